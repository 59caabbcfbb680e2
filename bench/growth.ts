// node bench/growth.ts -- measures how cost grows with what there is, and draws docs/growth.svg.
import { writeFile } from 'node:fs/promises';
import { KnitServer } from '../e2e/knit-server.ts';
import { middle } from './figure.ts';
import { type Panel, plot } from './plot.ts';
import { fillDatabase, ids, type Scale } from './scale-database.ts';
import { withDatabase } from './with-database.ts';

const rounds = 20;

/** What is measured, each over HTTP: another request each time. */
const requests: Record<string, (nr: number) => [method: string, path: string, body?: object]> = {
  'tag a Data': (nr) => ['PUT', `/data/${ids.upload(nr * 97)}`, { add: [`growth:${nr}`] }],
  'apply a Plan that matches 100': (nr) => [
    'POST',
    '/plans',
    {
      image: `host:growth-${nr}`,
      entrypoint: ['true'],
      inputs: [{ path: '/in', tags: [`group:${nr}`, 'dataset:all'] }],
      active: false,
    },
  ],
  'find 100 Data by tag': (nr) => ['GET', `/data?tag=group:${nr + rounds}`],
  "a page of a Plan's Runs": (nr) => ['GET', `/runs?plan=${ids.plan(nr % 10)}&limit=10`],
};

/** Median milliseconds of each request, on a server that has so much. */
async function measured(scale: Scale): Promise<Record<string, number>> {
  await using server = await KnitServer.start();
  await withDatabase(await server.databaseUrl(), (database) => fillDatabase(database, scale));
  const medians: Record<string, number> = {};
  for (const [name, request] of Object.entries(requests)) {
    const times: number[] = [];
    for (let nr = 0; nr <= rounds; nr++) {
      const [method, path, body] = request(nr);
      const begun = performance.now();
      const answer = await fetch(`${server.client.apiRoot}${path}`, {
        method,
        ...(body && { body: JSON.stringify(body) }),
      });
      await answer.arrayBuffer();
      // The first one is the warm-up.
      if (nr > 0) times.push(performance.now() - begun);
      if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}`);
    }
    medians[name] = middle(times.sort((a, b) => a - b));
  }
  return medians;
}

const usual: Scale = { uploads: 100_000, plans: 100, runs: 10_000 };
const panels: Panel[] = [];
for (const [title, sizes, scaleOf] of [
  ['Data', [10_000, 100_000, 1_000_000], (uploads) => ({ ...usual, plans: 10, runs: 1_000, uploads })],
  ['Plans', [10, 100, 1_000], (plans) => ({ ...usual, plans, runs: 1_000 })],
  ['Runs', [1_000, 10_000, 100_000], (runs) => ({ ...usual, plans: 1_000, runs })],
  [
    'further tags per Data',
    [1, 10, 100],
    (moreTags) => ({ ...usual, uploads: 10_000, plans: 10, runs: 1_000, moreTags }),
  ],
] satisfies [string, number[], (size: number) => Scale][]) {
  const points: [number, Record<string, number>][] = [];
  for (const size of sizes) {
    points.push([size, await measured(scaleOf(size))]);
    console.log(title, size, points.at(-1)?.[1]);
  }
  panels.push({ title, points });
}
await writeFile(new URL('../docs/growth.svg', import.meta.url), plot(panels, 'milliseconds (median)'));
