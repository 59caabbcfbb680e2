import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleComponents } from '../../scripts/images/bundle.ts';
import { packageOf } from '../../scripts/release/third-party-licenses.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let target: string;
let metafile: Metafile;

beforeAll(async () => {
  target = await mkdtemp(join(tmpdir(), 'knit-bundle-'));
  metafile = await bundleComponents({ root, target: join(target, 'app'), sourceMaps: join(target, 'maps') });
});
afterAll(() => rm(target, { recursive: true }));

/** The packages that a program loads before it does anything, and our own folders. */
function loadedBy(program: string): Set<string> {
  const outputs = Object.entries(metafile.outputs);
  const entry = outputs.find(
    ([, { entryPoint }]) => entryPoint === `packages/cluster/src/${program}.ts`,
  )?.[0];
  expect(entry, program).toBeDefined();
  const chunks = new Set<string>();
  const follow = (chunk: string) => {
    if (chunks.has(chunk)) return;
    chunks.add(chunk);
    for (const { kind, path } of metafile.outputs[chunk]?.imports ?? [])
      if (kind === 'import-statement') follow(path);
  };
  follow(entry ?? '');
  const inputs = [...chunks].flatMap((chunk) =>
    Object.entries(metafile.outputs[chunk]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
  return new Set(inputs.map((path) => packageOf(path) ?? path.split('/').slice(0, 2).join('/')));
}

test('a loop loads neither the Web server nor what checks requests', () => {
  const loaded = loadedBy('components/loops');
  expect(loaded).toContain('node_modules/pg');
  for (const heavy of ['fastify', 'zod', 'ajv', 'jose', 'yaml', 'tar', '@scalar/fastify-api-reference'])
    expect(loaded).not.toContain(`node_modules/${heavy}`);
});

test('knitd loads its reference pages when somebody reads them, and no client of Kubernetes', () => {
  const loaded = loadedBy('components/knitd');
  expect(loaded).toContain('node_modules/fastify');
  expect(loaded).not.toContain('node_modules/@scalar/fastify-api-reference');
});

test('what runs in Pods of workers loads neither the database nor metrics', () => {
  for (const program of ['pod/data-agent', 'pod/log-recorder']) {
    const loaded = loadedBy(program);
    for (const heavy of ['pg', 'kysely', 'pino', 'prom-client'])
      expect(loaded).not.toContain(`node_modules/${heavy}`);
  }
});

test('the bundle runs, and has no source maps', async () => {
  const files = await readdir(join(target, 'app/bundle'));
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
  expect((await readdir(join(target, 'maps'))).length).toBeGreaterThan(5);
  const { stdout, status } = spawnSync(process.execPath, [join(target, 'app/bundle/main.js'), '--help']);
  expect(status).toBe(0);
  expect(stdout.toString()).toContain('Components: knitd, knitd-backend, projection');
});

test('it tells the packages that it is made of, with their licenses', async () => {
  const { components } = JSON.parse(await readFile(join(target, 'app/packages.cdx.json'), 'utf8'));
  const names = components.map(({ name }: { name: string }) => name);
  expect(names).toContain('pg');
  expect(names).not.toContain('vitest');
  const licenses = await readFile(join(target, 'app/LICENSES'), 'utf8');
  for (const name of names) expect(licenses).toContain(`\n${name} `);
});

test('the same sources give the same bundle', async () => {
  const again = join(target, 'again');
  await bundleComponents({ root, target: again });
  const files = await readdir(join(target, 'app/bundle'));
  expect(await readdir(join(again, 'bundle'))).toEqual(files);
  for (const file of files) {
    const [one, other] = [join(target, 'app/bundle', file), join(again, 'bundle', file)];
    expect(await readFile(other)).toEqual(await readFile(one));
  }
});
