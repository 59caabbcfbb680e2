// Writes the Plans of ./plans with the paths of this machine: ${NODE} becomes the path of the Node that runs this
// script, ${CODE} the directory that it lies in. A Plan with image host:TAG runs this machine's own files, by their
// absolute paths; those differ from one machine to the next.
//
// Usage: node plans.mjs OUT
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [out] = process.argv.slice(2);
if (out === undefined || out.startsWith('-')) {
  console.error('usage: node plans.mjs OUT');
  process.exit(1);
}

const code = dirname(fileURLToPath(import.meta.url));
const paths = { NODE: process.execPath, CODE: code };

mkdirSync(out, { recursive: true });
for (const file of readdirSync(join(code, 'plans'))) {
  const plan = readFileSync(join(code, 'plans', file), 'utf8').replace(/\$\{(NODE|CODE)\}/g, (_, name) =>
    // Inside double quotes YAML knows the escapes of JSON.
    JSON.stringify(paths[name]).slice(1, -1),
  );
  writeFileSync(join(out, file), plan);
  console.log(join(out, file));
}
