import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface PodProgram {
  readonly process: ChildProcess;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; complaint: string }>;
  /** The most memory that it has had so far, in MiB. */
  peakMebibytes(): Promise<number>;
}

/** Runs a program of a Pod as a process, with other places than those in a Pod. */
export function runPodProgram(
  name: 'data-agent' | 'log-recorder',
  environment: Record<string, string>,
  places: unknown,
): PodProgram {
  const file = fileURLToPath(new URL(`../src/pod/${name}.ts`, import.meta.url));
  const script = `const { run } = await import(${JSON.stringify(file)}); await run(process.env, ${JSON.stringify(places)});`;
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=1', '--input-type=module', '--eval', script],
    { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'inherit', 'pipe'] },
  );
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]).then(([[code], complaint]) => ({
    code,
    complaint,
  }));
  return {
    process: child,
    ended,
    async peakMebibytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
  };
}
