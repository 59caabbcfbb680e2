import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { DataDetail, PlanDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textAfterHelp } from '../../../scripts/reference/text-after-help.ts';
import { createProgram, every } from '../src/program.ts';
import { program as knit } from './knit.ts';
import { RunningKnit } from './running-knit.ts';
import { isInstalled } from './terminal.ts';

// Every example of the help is run as it stands there, ids put in, against a real server.

const run = promisify(execFile);
const examples = every(await createProgram([]))
  .flatMap((command) => textAfterHelp(command).examples)
  // A server of its own at a port of its own is what every test here begins with.
  .filter((line) => !line.startsWith('knit up'));

/** Examples that need what a test does not have. */
const needs: readonly (readonly [RegExp, string, boolean])[] = [
  [/docker|prep/, 'an image', false],
  [/\| dot /, 'Graphviz', isInstalled('dot')],
  [/\bzsh\b/, 'zsh', isInstalled('zsh')],
  [/fish/, 'fish', isInstalled('fish')],
];
const missing = (line: string) => needs.find(([pattern, , isThere]) => pattern.test(line) && !isThere)?.[1];

let running: RunningKnit;
let data: DataDetail;
let plan: PlanDetail;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  running = await RunningKnit.start();
  const bin = join(running.home.path, 'bin');
  await mkdir(bin);
  const words = knit.map((word) => `'${word}'`).join(' ');
  await writeFile(join(bin, 'knit'), `#!/bin/sh\nexec ${words} "$@"\n`);
  await chmod(join(bin, 'knit'), 0o755);
  env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: running.home.path };
  data = await running.push(await running.directory('mails', { a: '1' }), 'type:raw', 'stage:new');
  plan = await running.applyPlan({ input: 'type:raw', output: 'type:model', script: 'echo done' });
  await running.directory('handout', { knitprofile: `apiRoot: ${await running.apiRoot()}\n` });
});
afterAll(() => running.stop());

let count = 0;
/** A Run of its own: one that goes on for stop, one that has ended for all else. */
async function runFor(line: string): Promise<string> {
  const name = `example:${count++}`;
  const script = line.includes('run stop') ? 'sleep 600' : 'echo done';
  const applied = await running.applyPlan({ input: name, output: `${name}-out`, script });
  await running.push(join(running.home.work, 'mails'), name);
  const { runId } = await running.firstRunOf(applied);
  if (script === 'echo done') await running.knit('run', 'wait', runId);
  return runId;
}

describe('the example', () => {
  for (const [index, line] of examples.entries()) {
    const lacking = missing(line);
    it.skipIf(lacking !== undefined)(
      `${index + 1}: ${line}${lacking ? ` (needs ${lacking})` : ''}`,
      async () => {
        const runId = line.includes('RUN_ID') ? await runFor(line) : '';
        if (line.includes('plan apply'))
          await running.directory('.', {
            'plan.yaml': 'image: host:v1\nargs: ["true"]\ninputs: [{path: /in, tags: ["a:b"]}]\n',
          });
        const words = line
          .replaceAll('KNIT_ID', data.knitId)
          .replaceAll('PLAN_ID', plan.planId)
          .replaceAll('RUN_ID', runId);
        const shell = line.includes('fish') ? 'fish' : line.includes('zsh') ? 'zsh' : 'bash';
        const script = shell === 'zsh' ? `autoload -U compinit; compinit -u -D; ${words}` : words;
        const options = shell === 'bash' ? ['-o', 'pipefail'] : [];
        const example = run(shell, [...options, '-c', script], { cwd: running.home.work, env });
        example.child.stdin?.end();
        await expect(example).resolves.toBeDefined();
      },
    );
  }

  it('is not alone', () => {
    expect(examples.length).toBeGreaterThan(40);
  });
});
