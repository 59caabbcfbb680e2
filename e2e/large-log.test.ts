import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KnitServer } from './knit-server.ts';

/** Bytes of log that one Run prints; KNIT_LOG_BYTES=2500000000 for more than two GiB. */
const bytes = Number(process.env.KNIT_LOG_BYTES ?? 300_000_000);

/** By how much the server's memory may grow: what is under way, not what was printed. */
const growthBytes = 200 * 1024 * 1024;

/** What is printed again and again, so that what is missing or twice shows in the hash. */
const line = 'every byte of this is somewhere in the log, in its place, once\n';

function printedHash(): string {
  const hash = createHash('sha256');
  const block = Buffer.from(line.repeat(16_384));
  for (let left = bytes; left > 0; left -= block.length) hash.update(block.subarray(0, left));
  return hash.digest('hex');
}

async function hashOf(stream: NodeJS.ReadableStream): Promise<{ hash: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of stream) {
    hash.update(piece);
    size += piece.length;
  }
  return { hash: hash.digest('hex'), size };
}

/** The most memory that a process has had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

test(`a log of ${bytes / 1e6} MB is whole, can be followed, holds up no other Run, and takes no memory of the server`, {
  timeout: 120_000 + bytes / 10_000,
}, async () => {
  await using server = await KnitServer.start();
  const source = await mkdtemp(join(tmpdir(), 'knit-log-'));
  await writeFile(join(source, 'file'), 'one line\n');
  const plan = (name: string, command: string) => ({
    image: `host:${name}`,
    entrypoint: ['sh', '-c', command],
    inputs: [{ path: '/in', tags: [`log:${name}`] }],
    outputs: [{ path: '/out', tags: [] }],
    log: { tags: [] },
    resources: { cpu: '100m', memory: '64Mi' },
  });
  const quick = await server.register(plan('quick', 'echo quick'));
  await server.push(source, 'log:quick');
  await server.finished(quick, 1);
  const before = await peakMemory(server.pid);

  const loud = await server.register(
    plan('loud', `yes '${line.trimEnd()}' | head -c ${bytes}; touch /out/printed`),
  );
  await server.push(source, 'log:loud');
  await expect
    .poll(async () => (await server.client.findRuns({ plan: [loud] }))[0]?.status, { timeout: 20_000 })
    .toBe('running');
  const [run] = await server.client.findRuns({ plan: [loud] });
  const runId = run?.runId ?? '';
  // One follows it as fast as it comes, and one asks and then never reads.
  const following = hashOf(await server.client.getRunLog(runId, { follow: true }));
  const idle = await server.client.getRunLog(runId, { follow: true });
  idle.on('error', () => {});
  await server.push(source, 'log:quick');
  const others = await server.finished(quick, 2);
  const isStill = (await server.client.findRuns({ plan: [loud], status: ['running'] })).length === 1;
  expect(others.map(({ status }) => status)).toEqual(['done', 'done']);

  const [done] = await server.finished(loud, 1);
  expect(done).toMatchObject({ status: 'done', exit: { code: 0 } });
  const printed = { hash: printedHash(), size: bytes };
  expect(await following).toEqual(printed);
  expect(await hashOf(await server.client.getRunLog(runId))).toEqual(printed);
  const growth = (await peakMemory(server.pid)) - before;
  expect(growth).toBeLessThan(growthBytes);
  console.log(
    `${bytes} bytes: the server's memory grew by ${Math.round(growth / 1024 / 1024)} MiB; ${isStill ? 'others were done meanwhile' : 'it was over before the others'}`,
  );
  idle.destroy();
  if (!idle.closed) await once(idle, 'close');
  await rm(source, { recursive: true });
});
