// `npm run reference` writes the pages of the reference that are generated; with `--check` it changes nothing, and fails
// when one is not current.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { apiReference } from './reference/api.ts';
import { cliReference } from './reference/cli.ts';

interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly generate: () => string | Promise<string>;
}

const pages: readonly Page[] = [
  { file: 'docs/reference/api.md', generate: apiReference },
  { file: 'docs/reference/cli.md', generate: cliReference },
];

const root = join(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

for (const { file, generate } of pages) {
  const path = join(root, file);
  const wanted = await generate();
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === wanted) continue;
  if (isCheck) {
    console.error(`${file} is not current: run \`npm run reference\`.`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, wanted);
    console.log(`wrote ${relative(process.cwd(), path)}`);
  }
}
