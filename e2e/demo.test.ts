import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Where the demo puts its temporary directory. */
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'demo test '));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

/** Starts the demo; `output` grows with what it writes to stdout and stderr. */
function startDemo(): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [join(root, 'scripts', 'demo.ts')], {
    cwd: temporary,
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  return { child, output: () => text, ended: promise };
}

/** Command lines of processes that name a directory, or have it in their environment, as the demo's workers do. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const read = (file: string) => readFileSync(join('/proc', pid, file), 'utf8').replaceAll('\0', ' ');
        const commandLine = read('cmdline');
        return commandLine.includes(directory) || read('environ').includes(directory) ? [commandLine] : [];
      } catch {
        return []; // It has ended since, or is another user's.
      }
    });
}

describe('npm run demo', { timeout: 180_000 }, () => {
  test('runs every combination of two batches and three parameter sets once, and ends with good models', async () => {
    const demo = startDemo();
    const exitCode = await demo.ended;
    const output = demo.output();
    expect(exitCode, output).toBe(0);

    const runs = [...output.matchAll(/^ {2}…[0-9a-f]{8} {2}(\S+) +.* done +[\d.]+ s$/gm)].map(
      ([, plan]) => plan,
    );
    const count = Object.entries(Object.groupBy(runs, (plan) => plan ?? '')).map(([plan, all]) => [
      plan,
      all?.length,
    ]);
    expect(Object.fromEntries(count)).toEqual({
      split: 2,
      'features-train': 2,
      'features-test': 2,
      train: 6,
      evaluate: 12,
    });

    const models = [...output.matchAll(/^ {2}…[0-9a-f]{8} {2}batch (\d) \+ \S+ +([\d.]+) % +([\d.]+) %/gm)];
    expect(models).toHaveLength(6);
    for (const [, batch, onFirst, onSecond] of models) {
      expect(Number(batch === '1' ? onFirst : onSecond)).toBeGreaterThan(95);
      expect(Number(batch === '1' ? onSecond : onFirst)).toBeGreaterThan(70);
    }

    expect(output).toContain('24 Runs, 24 different combinations of Plan and inputs.');
    expect(output).toContain('still 24 Runs.');
    const svg = readFileSync(join(root, 'out', 'demo', 'best-model.svg'), 'utf8');
    expect(svg).toContain('<svg');
    expect(svg).toContain('train.mjs');
    expect(output).toMatch(/└─ .*train\.mjs/);

    expect(readdirSync(temporary)).toEqual([]);
    expect(processesOf(temporary)).toEqual([]);
  });

  test('Ctrl-C in the middle of the first batch stops it and leaves nothing behind', async () => {
    const demo = startDemo();
    const runsStarted = Promise.withResolvers<void>();
    demo.child.stdout?.on('data', () => {
      if (/ split +batch 1/.test(demo.output())) runsStarted.resolve();
    });
    await Promise.race([runsStarted.promise, demo.ended]);
    demo.child.kill('SIGINT');
    expect(await demo.ended, demo.output()).toBe(130);
    expect(demo.output()).toContain('stopped by SIGINT');
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesOf(temporary)).toEqual([]);
  });
});
