import { request } from 'node:http';
import { expect, test } from 'vitest';
import { withDatabase } from '../../../bench/with-database.ts';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

const many = 200;
const tagBytes = 1024 * 1024;

/** Asks for a list without keeping it. */
const sizeOf = (root: string, path: string): Promise<{ bytes: number; link: string | undefined }> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(path, root), (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ bytes, link: answer.headers.link?.toString() }));
    });
    asked.on('error', reject);
    asked.end();
  });

test('lists of things with very large tags take little memory, page by page or whole', async () => {
  // Less than the tags of a list take.
  await using server = await KnitServer.start({ environment: { NODE_OPTIONS: '--max-old-space-size=160' } });
  const wire = new Wire(server.client.apiRoot);
  await withDatabase(await server.databaseUrl(), (database) =>
    database.query(
      `with big as (
         insert into tag (key, value) values ('large', repeat('x', $2)) returning tag_id
       ), made_plan as (
         insert into plan (identity, image_repository, image_tag, active)
         values (sha256('large'), 'host', 'large', false) returning plan_id
       ), made_output as (
         insert into plan_output (plan_id, path) select plan_id, '/out' from made_plan returning output_id, plan_id
       ), output_tag as (
         insert into plan_output_tag (output_id, tag_id) select output_id, tag_id from made_output, big
       ), made_run as (
         insert into run (plan_id, combination, status)
         select plan_id, array[uuidv7()], 'done' from made_plan, generate_series(1, $1::integer)
         returning run_id, plan_id, updated_at
       ), made_data as (
         insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
         select uuidv7(), run_id, output_id, 'data-' || run_id, updated_at from made_run join made_output using (plan_id)
         returning knit_id
       )
       insert into data_tag (knit_id, tag_id) select knit_id, tag_id from made_data, big`,
      [many, tagBytes],
    ),
  );
  const { bytes } = await sizeOf(wire.root, '/api/data');
  expect(bytes).toBeGreaterThan(many * tagBytes);
  const { link } = await sizeOf(wire.root, `/api/runs?limit=${many - 1}`);
  const next = /^<([^>]*)>; rel="next"$/.exec(link ?? '')?.[1] ?? '';
  const { json } = await wire.get(next);
  expect(json).toHaveLength(1);
}, 120_000);
