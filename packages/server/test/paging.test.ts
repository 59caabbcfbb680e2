import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDatabase } from '../../../bench/with-database.ts';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
/** More than are answered at once. */
const many = 1_300;
const tag = 'tag=paging:many';

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
  const source = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  await writeFile(join(source, 'file'), 'one line\n');
  const knitId = await wire.push(source, 'paging:many');
  await rm(source, { recursive: true });
  for (let nr = 0; nr < 5; nr++) {
    await wire.post('/api/plans', {
      image: `host:paging${nr}`,
      entrypoint: ['true'],
      inputs: [{ path: '/in', tags: ['paging:plans'] }],
      active: false,
    });
  }
  await withDatabase(await server.databaseUrl(), (database) =>
    database.query(
      `with made as (
         insert into run (plan_id, status, updated_at)
         select plan_id, 'done', date_trunc('second', now()) from plan, generate_series(2, $2::integer) where name = 'knit#uploaded'
         returning run_id, updated_at
       ), new_data as (
         insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
         select uuidv7(), made.run_id, output_id, 'data-' || made.run_id, updated_at
         from made cross join (select output_id from data where knit_id = $1) as upload returning knit_id
       )
       insert into data_tag (knit_id, tag_id)
       select new_data.knit_id, tag_id from new_data cross join data_tag where data_tag.knit_id = $1`,
      [knitId, many],
    ),
  );
});
afterAll(() => server[Symbol.asyncDispose]());

/** Follows the Link headers to the end. */
async function pages(first: string): Promise<{ sizes: number[]; items: unknown[] }> {
  const sizes: number[] = [];
  const items: unknown[] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const { status, json, headers }: Awaited<ReturnType<Wire['get']>> = await wire.get(path);
    expect(status).toBe(200);
    sizes.push(json.length);
    items.push(...json);
    path = /^<([^>]*)>; rel="next"$/.exec(headers.link?.toString() ?? '')?.[1];
  }
  return { sizes, items };
}

test('a list is read page by page by following its Link headers, and comes to the same as all of it', async () => {
  const all = await wire.get(`/api/data?${tag}`);
  expect(all.json).toHaveLength(many);
  expect(all.headers.link).toBeUndefined();
  const { sizes, items } = await pages(`/api/data/?${tag}&limit=400`);
  expect(sizes).toEqual([400, 400, 400, 100]);
  expect(items).toEqual(all.json);
  const runs = await wire.get('/api/runs?status=done');
  expect((await pages('/api/runs?status=done&limit=650')).items).toEqual(runs.json);
  const plans = await wire.get('/api/plans/?in_tag=paging:plans&active=false');
  expect(plans.json).toHaveLength(5);
  expect((await pages('/api/plans/?in_tag=paging:plans&active=false&limit=2')).items).toEqual(plans.json);
});

test('the next page keeps what was asked for, and the last one, full or not, names none', async () => {
  const query = 'in_tag=paging:plans&active=false&image=host&limit=';
  const { headers } = await wire.get(`/api/plans?${query}4`);
  const next = new URL(/<(.*)>/.exec(headers.link?.toString() ?? '')?.[1] ?? '', 'http://server');
  expect(next.pathname).toBe('/api/plans');
  expect(Object.fromEntries(next.searchParams)).toEqual({
    in_tag: 'paging:plans',
    active: 'false',
    image: 'host',
    limit: '4',
    cursor: expect.any(String),
  });
  expect((await wire.get(`/api/plans?${query}5`)).headers.link).toBeUndefined();
});

test('without a limit, a cursor is followed by all the rest', async () => {
  const { json, headers } = await wire.get(`/api/data?${tag}&limit=10`);
  const cursor = new URL(
    /<(.*)>/.exec(headers.link?.toString() ?? '')?.[1] ?? '',
    'http://server',
  ).searchParams.get('cursor');
  const rest = await wire.get(`/api/data?${tag}&cursor=${cursor}`);
  expect([...json, ...rest.json]).toEqual((await wire.get(`/api/data?${tag}`)).json);
});

test('a limit or cursor that makes no sense is refused, also a cursor of another list', async () => {
  for (const limit of ['0', '-1', '1.5', '10001', 'ten']) {
    expect((await wire.get(`/api/data?limit=${limit}`)).status).toBe(400);
  }
  const { headers } = await wire.get('/api/runs?limit=1');
  const [, ofRuns] = /cursor=([^>&]*)/.exec(headers.link?.toString() ?? '') ?? [];
  const forged = Buffer.from(JSON.stringify(['data', 8.64e15, 'x'])).toString('base64url');
  for (const cursor of ['nonsense', ofRuns, forged]) {
    const { status, json } = await wire.get(`/api/data?cursor=${cursor}`);
    expect(status).toBe(400);
    expect(json.reason).toContain('cursor');
    expect(json.advice).toContain('Link');
  }
});

test('a reader that goes away in the middle of a long list takes no connection with it', async () => {
  const { hostname, port } = new URL(wire.root);
  const broken = Array.from(
    { length: 40 },
    () =>
      new Promise<void>((resolve) => {
        const asked = request({ hostname, port, path: `/api/data?${tag}` }, (answer) => {
          answer.once('data', () => asked.destroy());
          answer.on('error', () => {});
          answer.once('close', () => resolve());
        });
        asked.on('error', () => resolve());
        asked.end();
      }),
  );
  await Promise.all(broken);
  expect((await wire.get(`/api/data?${tag}`)).json).toHaveLength(many);
});
