import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../e2e/knit-server.ts';
import { rows } from './rows/index.ts';
import { counts, type Result, results } from './suite.ts';
import { Wire } from './wire.ts';
import { World } from './world.ts';

let server: KnitServer;
const all: Result[] = [];

beforeAll(async () => {
  server = await KnitServer.start();
  const wire = new Wire(server.client.apiRoot.replace(/\/api$/, ''));
  const world = new World(wire, { command: ['sh', '-c'], patience: 60_000 });
  for await (const each of results(rows, world)) all.push(each);
  const left = [
    await wire.get('/api/runs'),
    await wire.get('/api/data'),
    await wire.get('/api/plans?active=true'),
  ];
  all.push({
    row: 'Afterwards',
    what: 'nothing is left',
    result: left.every(({ text }) => text === '[]') ? 'ok' : 'failed',
    why: left.map(({ text }) => text.slice(0, 200)).join(),
  });
  wire.close();
}, 240_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test.each(rows.map(({ name }) => name))('%s is served as the API says', (name) => {
  const deviations = all.filter(({ row, result }) => row === name && result !== 'ok');
  expect(deviations).toEqual([]);
});

test('the suite leaves neither Data nor Runs behind, and its Plans inactive', () => {
  expect(
    all.filter(({ row }) => row === 'Afterwards').map(({ result, why }) => (result === 'ok' ? result : why)),
  ).toEqual(['ok']);
});

test('every row has been tried', () => {
  expect(counts(all).ok).toBeGreaterThan(rows.length);
});
