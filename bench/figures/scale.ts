import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure, Measurement } from '../figure.ts';
import { fillDatabase, ids, large } from '../scale-database.ts';
import { withDatabase } from '../with-database.ts';

const rounds = 30;

/** The server that all these figures ask, filled when the first one is measured, and stopped by the last one. */
let server: KnitServer | undefined;
let filledIn = 0;

async function filledServer(): Promise<KnitServer> {
  if (server === undefined) {
    server = await KnitServer.start();
    filledIn = await withDatabase(await server.databaseUrl(), (database) => fillDatabase(database, large));
  }
  return server;
}

interface Request {
  name: string;
  what: string;
  goal: number;
  method?: 'PUT' | 'POST';
  /** Another one each time, so that nothing is answered from a cache of the last one. */
  path: (nr: number) => string;
  body?: (nr: number) => object;
  /** How many things the answer lists. */
  count?: number;
}

/** Times requests over HTTP, one after the other, in milliseconds. */
async function timed({ method, path, body, count }: Request): Promise<Measurement> {
  const { client } = await filledServer();
  const values: number[] = [];
  for (let nr = 0; nr <= rounds; nr++) {
    const begun = performance.now();
    const answer = await fetch(`${client.apiRoot}${path(nr)}`, {
      method: method ?? 'GET',
      ...(body && { body: JSON.stringify(body(nr)) }),
    });
    const text = await answer.text();
    // The first one is the warm-up.
    if (nr > 0) values.push(performance.now() - begun);
    if (!answer.ok) throw new Error(text);
    if (count !== undefined && JSON.parse(text).length !== count)
      throw new Error(`not ${count}: ${text.slice(0, 200)}`);
  }
  return { values, comparedWith: `database made in ${filledIn.toFixed(0)} s` };
}

const plan = (name: string, tags: string[]) => ({
  image: `host:${name}`,
  entrypoint: ['true'],
  inputs: [{ path: '/in', tags }],
  active: false,
});

const requests: Request[] = [
  {
    name: 'tag',
    what: 'tag a Data',
    goal: 10,
    method: 'PUT',
    path: (nr) => `/data/${ids.upload(nr * 997)}`,
    body: (nr) => ({ add: [`bench:${nr}`] }),
  },
  {
    name: 'apply',
    what: 'apply a Plan that matches 100',
    goal: 50,
    method: 'POST',
    path: () => '/plans',
    body: (nr) => plan(`apply-${nr}`, [`group:${2000 + nr}`, 'dataset:all']),
  },
  {
    name: 'find',
    what: 'find Data by tag, 100 hits',
    goal: 50,
    path: (nr) => `/data?tag=group:${3000 + nr}`,
    count: 100,
  },
  {
    name: 'find-both',
    what: 'find Data by two tags, one of which all have, 100 hits',
    goal: 50,
    path: (nr) => `/data?tag=dataset:all&tag=group:${4000 + nr}`,
    count: 100,
  },
  {
    name: 'find-page',
    what: 'a page of 100 of the Data that have a tag that all have',
    goal: 50,
    path: (nr) => `/data?tag=dataset:all&limit=100&since=2026-01-01T0${nr % 10}:00:00Z`,
    count: 100,
  },
  {
    name: 'runs-by-status',
    what: 'find the failed Runs, 100 hits',
    goal: 50,
    path: () => '/runs?status=failed',
    count: 100,
  },
  {
    name: 'runs-by-plan',
    what: "find a Plan's Runs, 100 hits",
    goal: 50,
    path: (nr) => `/runs?plan=${ids.plan(nr)}`,
    count: 100,
  },
  {
    name: 'runs-by-input',
    what: 'find the Runs that use a Data',
    goal: 50,
    path: (nr) => `/runs?knitIdInput=${ids.upload(nr)}`,
    count: 1,
  },
  {
    name: 'plans-by-tag',
    what: 'find the Plans that ask for a tag',
    goal: 50,
    path: (nr) => `/plans?in_tag=group:${nr}`,
    count: 1,
  },
];

/** 1,000,000 Data × 1,000 Plans × 100,000 Runs of theirs. */
export const scale: Figure[] = requests.map((request) => ({
  name: `scale:${request.name}`,
  what: `1,000,000 Data × 1,000 Plans: ${request.what}, ${rounds} times`,
  unit: 'ms',
  goal: `≤ ${request.goal}`,
  meets: (value) => value <= request.goal,
  measure: () => timed(request),
}));

/** Stops the server, if one was started. */
export async function endScale(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
}
