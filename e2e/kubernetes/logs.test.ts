import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { knit } from '../knit-user.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

describe.skipIf(!surroundings.hasCluster)('a log', { concurrent: true }, () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);

  test.for([
    ['of a worker that ends at once is whole', 'echo at once', 'at once\n', 0],
    ['of a worker that prints nothing is empty', 'true', '', 0],
    ['holds stdout and stderr in the order of writing', 'echo a; echo b >&2; echo c', 'a\nb\nc\n', 0],
    ['ends with its worker, whatever the worker has left running', 'sleep 1000 & echo left', 'left\n', 0],
  ] as const)('%s', async ([, script, log, code]) => {
    const run = await runs.ended(await runs.script(script));
    expect(run).toMatchObject({ exit: { code } });
    expect(await knitfab.log(run.runId)).toBe(log);
  });

  test('of a worker that is killed has all that was printed', async () => {
    // A container's first process can't kill itself, so its child does; some shells tell of it.
    const run = await runs.ended(await runs.script('sh -c \'printf "no newline"; kill -9 $$\'; exit $?'));
    expect(run).toMatchObject({ status: 'failed', exit: { code: 137 } });
    expect(await knitfab.log(run.runId)).toMatch(/^no newline/);
  });

  test('of 300 MB is whole', async () => {
    const script = 'yes "a line of a log that is long" | head -c 300000000';
    const run = await runs.ended(await runs.script(script, { resources: { cpu: '1', memory: '64Mi' } }));
    expect(run).toMatchObject({ status: 'done' });
    const digest = createHash('sha256');
    for await (const piece of await knitfab.client.getRunLog(run.runId)) digest.update(piece);
    const line = Buffer.from('a line of a log that is long\n');
    const expected = createHash('sha256').update(Buffer.alloc(300_000_000, line)).digest('hex');
    expect(digest.digest('hex')).toBe(expected);
  });

  // By itself: beside many others a worker may be done before anybody has looked.
  test('can be followed from its beginning while the worker runs, and ends with it', {
    concurrent: false,
    // Another Pod has another address: a network that still knows the last one that had it may take many seconds.
    retry: process.env.CI ? 1 : 0,
  }, async ({ onTestFailed }) => {
    onTestFailed(async () => {
      console.error(await knitfab.kubectl('logs', 'deployment/knitd-backend', '--tail=20'));
    });
    const planId = await runs.script('for n in $(seq 30); do echo $n; sleep 1; done');
    const { runId } = await runs.is('running', planId);
    const [program, ...args] = knit;
    const child = spawn(program, [...args, 'run', 'show', '--log', '--follow', runId], {
      cwd: knitfab.directory,
      env: knitfab.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let whileRunning = '';
    for await (const piece of child.stdout) {
      text += piece;
      const { status } = await knitfab.client.getRun(runId);
      if (status === 'running') whileRunning = text;
    }
    expect(text).toBe(Array.from({ length: 30 }, (_, nr) => `${nr + 1}\n`).join(''));
    expect(whileRunning).toMatch(/^1\n2\n/);
  });
});
