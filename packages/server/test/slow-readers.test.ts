import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withDatabase } from '../../../bench/with-database.ts';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

/** More than are answered at once, each with a tag of some size: more than the network buffers. */
const many = 520;
const tagBytes = 20_000;

test('while many readers of all lists take nothing, others are answered and Runs go on', async () => {
  await using server = await KnitServer.start();
  const wire = new Wire(server.client.apiRoot);
  await withDatabase(await server.databaseUrl(), (database) =>
    database.query(
      `with big as (
         insert into tag (key, value) values ('slow', repeat('x', $2)) returning tag_id
       ), made_plan as (
         insert into plan (identity, image_repository, image_tag, active)
         select sha256(('slow' || nr)::bytea), 'host', 'slow', false from generate_series(1, $1::integer) as nr
         returning plan_id
       ), made_output as (
         insert into plan_output (plan_id, path) select plan_id, '/out' from made_plan returning output_id, plan_id
       ), output_tag as (
         insert into plan_output_tag (output_id, tag_id) select output_id, tag_id from made_output, big
       ), made_run as (
         insert into run (plan_id, combination, status)
         select plan_id, array[uuidv7()], 'done' from made_plan returning run_id, plan_id, updated_at
       ), made_data as (
         insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
         select uuidv7(), run_id, output_id, 'data-' || run_id, updated_at from made_run join made_output using (plan_id)
         returning knit_id
       )
       insert into data_tag (knit_id, tag_id) select knit_id, tag_id from made_data, big`,
      [many, tagBytes],
    ),
  );
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
