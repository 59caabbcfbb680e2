import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from './knit-server.ts';

let server: KnitServer;
beforeAll(async () => {
  server = await KnitServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const root = fileURLToPath(new URL('..', import.meta.url));

/** The examples of a page, one after the other: a program. */
async function program(page: string): Promise<string> {
  const text = await readFile(new URL(page, import.meta.url), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('');
}

test('the examples of docs/client.md do what they say', async () => {
  const code = (await program('../docs/client.md')).replace(
    'http://127.0.0.1:30803/api',
    server.client.apiRoot,
  );
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'exit'),
  ]);
  expect([exitCode, Buffer.concat(stderr).toString()]).toEqual([0, '']);
  expect(Buffer.concat(stdout).toString().split('\n').filter(Boolean)).toEqual([
    'compatible with 1.6',
    "[ 'owner:ann', 'type:mail' ]",
    "done { code: 0, message: '' }",
    '4',
    '4',
    'true',
    '2 Data, 2 Runs, 3 edges',
    '400 the plan has no inputs',
    'inputs[0].tags[0]: "no colon" is not a tag: there is no ":" between key and value',
    'Write it as key:value, such as type:raw.',
  ]);
});
