import { rmdir, statfs } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { packTree, unpackTree } from '@knitfab/archive';
import { agentDirectory } from '@knitfab/drivers/kubernetes/pod-wire';
import { dialHome, type Home } from './dial-home.ts';
import { endWith } from './end-with.ts';
import { leftByStorage } from './left-by-storage.ts';
import { readLog } from './read-log.ts';

/**
 * Brings one tree into or out of the volume at {@link agentDirectory}, as the knitd-backend that made this Pod asks for it, and
 * ends: with 0 when home knows how it went, be that a success or not.
 */
export async function run(environment: NodeJS.ProcessEnv, directory: string = agentDirectory): Promise<void> {
  // As process 1 it would not be ended by the signal otherwise.
  process.once('SIGTERM', () => process.exit(143));
  try {
    const home = await dialHome(environment);
    await home.report(work(home, directory));
  } catch (error) {
    await endWith(error);
  }
}

/** Does the task. @returns what it has read */
async function* work({ task, received }: Home, directory: string): AsyncGenerator<Buffer, void> {
  switch (task.kind) {
    case 'unpack':
      return await unpack(received, directory);
    case 'pack':
      return yield* packTree(directory, {
        special: 'leave-out',
        leaveOut: (name) => leftByStorage(directory, name),
      });
    case 'log':
      return yield* readLog(directory, task.from);
  }
}

async function unpack(received: IncomingMessage, directory: string): Promise<void> {
  // Some file systems have it from the beginning (mke2fs(8)); it is none of the tree.
  await rmdir(join(directory, 'lost+found')).catch(() => {});
  const { bavail, bsize } = await statfs(directory);
  // Kept open when unpacking fails: home learns that from the report, and closes it.
  await unpackTree(received.iterator({ destroyOnReturn: false }), directory, {
    links: 'inside',
    durable: true,
    mayBlock: true,
    limits: { bytes: bavail * bsize },
  });
}
