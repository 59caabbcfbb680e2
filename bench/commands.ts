import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a command to its end and says how long it took, in seconds. */
export async function seconds(
  command: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<number> {
  return (await run(command, options)).seconds;
}

/** Runs a command to its end. */
export async function run(
  [program = '', ...args]: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<{ seconds: number; output: string }> {
  const begun = performance.now();
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [code]] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'exit'),
  ]);
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${Buffer.concat(errors)}`);
  return { seconds: (performance.now() - begun) / 1000, output: Buffer.concat(output).toString() };
}
