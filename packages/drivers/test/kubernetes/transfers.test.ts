import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { packTree, unpackTree } from '@knitfab/archive';
import { Invalid, NotFound, Unavailable } from '@knitfab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pod, pods } from '../../src/kubernetes/client/resource-type.ts';
import { selectorOf } from '../../src/kubernetes/labels.ts';
import { removeLeftAgents } from '../../src/kubernetes/left-agents.ts';
import { missingCluster, TestCluster } from './cluster.ts';

const missing = missingCluster();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('transfers by Data Agents', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'knit-transfers-'));
    cluster = await TestCluster.open();
    await Promise.all(['empty', 'kept', 'broken', 'killed'].map((name) => cluster.makeVolume(name)));
    const tree = await makeTree('tree');
    await cluster.transfers().write('kept', packTree(tree));
  }, 120_000);

  afterAll(async () => {
    await cluster?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const makeTree = async (name: string): Promise<string> => {
    const tree = join(directory, name);
    await mkdir(join(tree, 'deep/er'), { recursive: true });
    await mkdir(join(tree, 'empty'));
    await writeFile(join(tree, 'deep/er/ファイル'), 'content');
    await writeFile(join(tree, 'script'), '#!/bin/sh\n');
    await chmod(join(tree, 'script'), 0o751);
    await writeFile(join(tree, 'secret'), 'mine');
    await chmod(join(tree, 'secret'), 0o600);
    await symlink('deep/er', join(tree, 'link'));
    await writeFile(join(tree, 'log'), '0123456789');
    return tree;
  };

  const agents = async (): Promise<Pod[]> => {
    const found = await cluster.client.list(pods, cluster.namespace, {
      labelSelector: selectorOf('data-agent'),
    });
    return found.items;
  };

  const untilNoAgents = async () => {
    while ((await agents()).length > 0) await sleep(200);
  };

  it('bring a tree in and out as it is', async () => {
    const out = join(directory, 'out');
    await mkdir(out);
    const tar = await cluster.transfers().read('kept');
    await unpackTree(tar, out, { links: 'inside', durable: false });
    expect(await readFile(join(out, 'deep/er/ファイル'), 'utf8')).toBe('content');
    expect((await lstat(join(out, 'script'))).mode & 0o777).toBe(0o751);
    expect((await lstat(join(out, 'secret'))).mode & 0o777).toBe(0o600);
    expect((await lstat(join(out, 'empty'))).isDirectory()).toBe(true);
    expect(await readlink(join(out, 'link'))).toBe('deep/er');
    await untilNoAgents();
  });

  it('read side by side', async () => {
    const transfers = cluster.transfers();
    const sizes = await Promise.all(
      [1, 2, 3].map(async () => {
        let bytes = 0;
        for await (const chunk of await transfers.read('kept')) bytes += chunk.length;
        return bytes;
      }),
    );
    expect(new Set(sizes).size).toBe(1);
  });

  it('refuse a hostile archive with its reason, and leave nothing of it', async () => {
    const transfers = cluster.transfers();
    const tree = join(directory, 'hostile');
    await mkdir(tree);
    await writeFile(join(tree, 'a'), 'a');
    await symlink('/etc/passwd', join(tree, 'way-out'));
    const failure = transfers.write('empty', packTree(tree));
    await expect(failure).rejects.toThrow(Invalid);
    await expect(failure).rejects.toThrow(/way-out/);
    await expect(transfers.readLog('empty', 0)).rejects.toThrow(NotFound);
    await untilNoAgents();
    // So it is still empty.
    await transfers.write('empty', packTree(await makeTree('after')));
  });

  it('refuse what is no archive while it is still coming', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536, 'x');
    }
    await expect(cluster.transfers().write('broken', endless())).rejects.toThrow(Invalid);
  });

  it('say that there is no such volume', async () => {
    await expect(cluster.transfers().read('nothing')).rejects.toThrow(NotFound);
    await untilNoAgents();
  });

  it('read a log from any byte on', async () => {
    const transfers = cluster.transfers();
    expect(await text(await transfers.readLog('kept', 0))).toBe('0123456789');
    expect(await text(await transfers.readLog('kept', 7))).toBe('789');
    expect(await text(await transfers.readLog('kept', 10))).toBe('');
  });

  it('end with the error of a stream that breaks off, and leave no Pod', async () => {
    async function* cutOff() {
      yield* packTree(join(directory, 'tree')).take(1);
      throw new Error('the client has gone');
    }
    await expect(cluster.transfers().write('broken', cutOff())).rejects.toThrow('the client has gone');
    await untilNoAgents();
  });

  it('leave no Pod when a download is broken off', async () => {
    const large = join(directory, 'large');
    await mkdir(large);
    await writeFile(join(large, 'zeros'), Buffer.alloc(64 * 1024 * 1024));
    await cluster.makeVolume('large');
    const transfers = cluster.transfers();
    await transfers.write('large', packTree(large));
    const unread = await transfers.read('large');
    unread.destroy();
    const begun = await transfers.read('large');
    await once(begun, 'readable');
    begun.destroy();
    await untilNoAgents();
  });

  it('tell of an agent that is killed in the middle, both ways', async () => {
    const transfers = cluster.transfers();
    const begun = Promise.withResolvers<void>();
    const archive = Buffer.concat(await packTree(join(directory, 'tree')).toArray());
    async function* slow() {
      // Header by header, and never its end.
      for (const start of [0, 512]) yield archive.subarray(start, start + 512);
      await new Promise(() => begun.resolve());
    }
    const writing = transfers.write('killed', slow());
    writing.catch(() => {});
    await begun.promise;
    await killAgents();
    await expect(writing).rejects.toThrow(Unavailable);
    await expect(writing).rejects.toThrow(/Data Agent.*(gone|removed)/);
    const reading = await transfers.read('large');
    await once(reading, 'readable');
    await killAgents();
    await expect(text(reading)).rejects.toThrow(/Data Agent.*(gone|removed|broke off)/);
  });

  const killAgents = async () => {
    for (const { metadata } of await agents()) {
      if (metadata?.deletionTimestamp === undefined)
        await cluster.client.delete(pods, cluster.namespace, metadata?.name ?? '', { gracePeriodSeconds: 0 });
    }
  };

  it('give up on an image that can not be pulled, and say why', async () => {
    const transfers = cluster.transfers({ image: 'localhost/no/such-image:v1', startDeadlineSeconds: 8 });
    await expect(transfers.read('kept')).rejects.toThrow(
      /has not started within 8 seconds: (ErrImagePull|ImagePullBackOff).*no\/such-image/,
    );
    await untilNoAgents();
  });

  it('leave agents behind that end by themselves and that housekeeping removes', async () => {
    const [name] = (
      await Promise.all([
        cluster.transfers().read('large'),
        (async () => {
          for (;;) {
            const [agent] = await agents();
            if (agent?.metadata?.name !== undefined) return agent.metadata.name;
            await sleep(50);
          }
        })(),
      ])
    ).slice(1) as string[];
    // No Pod has the name of this one's backend.
    expect(await removeLeftAgents(cluster)).toBe(1);
    const labelSelector = selectorOf('data-agent');
    const left = execFileSync('kubectl', [
      'get',
      'pods',
      '-n',
      cluster.namespace,
      '-l',
      labelSelector,
      '-o',
      'name',
    ]);
    expect(left.toString()).toMatch(new RegExp(`^(pod/${name}\n)?$`));
    await untilNoAgents();
  });
});
