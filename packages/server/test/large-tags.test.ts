import { request } from 'node:http';
import { expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { makeTagged } from './make-tagged.ts';
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
  await makeTagged(server, { plans: 1, runsOfEach: many, tagBytes });
  const { bytes } = await sizeOf(wire.root, '/api/data');
  expect(bytes).toBeGreaterThan(many * tagBytes);
  const { link } = await sizeOf(wire.root, `/api/runs?limit=${many - 1}`);
  const next = /^<([^>]*)>; rel="next"$/.exec(link ?? '')?.[1] ?? '';
  const { json } = await wire.get(next);
  expect(json).toHaveLength(1);
}, 120_000);
