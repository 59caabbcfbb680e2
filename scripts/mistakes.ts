// npm run mistakes -- [WORD …]: makes mistakes in the engine on purpose, and says which of them the model test finds.
//
// Each mistake (of those whose names have one of the words in them) is made in memory, and the model test is run with it as it is
// in CI. All should be found; those that are not are listed at the end.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { mistaken, mistakes } from '../packages/engine/test/model/mistakes.ts';

const words = process.argv.slice(2);
const chosen = mistakes.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
for (const mistake of mistakes) mistaken(await readFile(`packages/${mistake.file}`, 'utf8'), mistake);
const missed: string[] = [];
for (const { name } of chosen) {
  const begun = performance.now();
  const found = await failure(name);
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(
    `${found === undefined ? 'MISSED' : 'found '} ${seconds.padStart(3)} s  ${name}: ${found ?? ''}`,
  );
  if (found === undefined) missed.push(name);
}
console.log(`${chosen.length - missed.length} of ${chosen.length} found`);
for (const name of missed) console.log(`missed: ${name}`);

/** What the model test, with this mistake, fails by; undefined when it passes. */
function failure(name: string): Promise<string | undefined> {
  const command = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config=packages/engine/test/model/mistaken.config.ts',
    'packages/engine/test/model/model.test.ts',
  ];
  const env = { ...process.env, MISTAKE: name, MODEL_SHRINK: 'no' };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const said = stripVTControlCharacters(stdout + stderr);
      const cause = /^ *Caused by: (.*)/m.exec(said) ?? /^ *(\S*Error: .*)/m.exec(said);
      resolve(error === null ? undefined : (cause?.[1] ?? said).slice(0, 200));
    });
  });
}
