import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import type { EmbeddedPostgresOptions } from '../../src/embedded/index.ts';

const program = fileURLToPath(new URL('host.ts', import.meta.url));

/** What a host says once it has started the server, or failed to. */
export type HostReport =
  | { pid: number; adopted: boolean; connectionString: string; error?: never; message?: never }
  | { error: string; message: string; pid?: never; adopted?: never; connectionString?: never };

/** Runs a process of its own that starts an embedded server; `wrapper` is a command that runs it in another way. */
export function spawnHost(options: EmbeddedPostgresOptions, wrapper: readonly string[] = []): ChildProcess {
  const [file = '', ...args] = [...wrapper, process.execPath, program, JSON.stringify(options)];
  return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
}

/** Waits for what a host has to say. */
export async function report(host: ChildProcess): Promise<HostReport> {
  if (host.stdout === null) throw new Error('the host has no stdout');
  for await (const line of createInterface(host.stdout)) return JSON.parse(line) as HostReport;
  throw new Error('the host ended without a word');
}

/** Ends a host the way that leaves it no time for anything. */
export async function killHost(host: ChildProcess): Promise<void> {
  const ended = once(host, 'exit');
  if (host.exitCode === null && host.signalCode === null && host.kill('SIGKILL')) await ended;
}
