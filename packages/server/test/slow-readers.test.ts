import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { makeTagged } from './make-tagged.ts';
import { Wire } from './wire.ts';

/** More than are answered at once, each with a tag of some size: more than the network buffers. */
const many = 520;
const tagBytes = 20_000;

test('while many readers of all lists take nothing, others are answered and Runs go on', async () => {
  await using server = await KnitServer.start();
  const wire = new Wire(server.client.apiRoot);
  await makeTagged(server, { plans: many, runsOfEach: 1, tagBytes });
  const { hostname, port } = new URL(wire.root);
  const asked: ClientRequest[] = [];
  onTestFinished(() => {
    for (const each of asked) each.destroy();
  });
  for (const path of ['/api/data', '/api/plans', '/api/runs']) {
    for (let nr = 0; nr < 12; nr++) {
      const reader = request({ hostname, port, path, agent: false }, (answer) => answer.pause());
      reader.on('error', () => {});
      reader.end();
      asked.push(reader);
    }
  }
  // The first of them are being answered.
  await Promise.race(asked.map((reader) => once(reader, 'response')));

  const source = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  onTestFinished(() => rm(source, { recursive: true }));
  await writeFile(join(source, 'file'), 'one line\n');
  const plan = await server.register({
    image: 'host:quick',
    entrypoint: ['true'],
    inputs: [{ path: '/in', tags: ['quick:in'] }],
    outputs: [{ path: '/out', tags: ['quick:out'] }],
    resources: { cpu: '100m', memory: '64Mi' },
  });
  await wire.push(source, 'quick:in');
  expect((await server.finished(plan, 1, 100)).map(({ status }) => status)).toEqual(['done']);
}, 90_000);
