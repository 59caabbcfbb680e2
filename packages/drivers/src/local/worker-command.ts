import { Invalid } from '@knitfab/core';
import type { Privileges } from './privileges.ts';
import { shellWord, shellWords } from './shell-words.ts';
import type { SystemTools } from './system-tools.ts';

/** The longest argument or variable of a command, in bytes (execve(2), MAX_ARG_STRLEN less the terminating zero). */
export const maxArgumentBytes = 131_071;

export interface WorkerCommand {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** The file for stdout and stderr. */
  readonly log?: string;
  /** Files to write a `0` to for joining the groups that limit the worker. */
  readonly groups: readonly string[];
  /** Directories to make in a scratch space in memory; undefined when it is on disk, and they have been made. */
  readonly scratch?: readonly string[];
}

/**
 * The file `worker` of a worker's directory, which its supervisor and its init read: what is different from worker to worker.
 * `prepare` runs before the new root, `run` in it.
 * @throws {Invalid} for a variable that a shell can't set
 */
export function formatWorkerCommand(
  { command, environment, log = '', groups, scratch }: WorkerCommand,
  tools: SystemTools,
  { drop }: Privileges,
): string {
  const descriptors = groups.map((_, index) => index + 3);
  return [
    `log=${shellWord(log)}`,
    'prepare() {',
    ...(scratch === undefined
      ? []
      : [
          `${shellWords([tools.mount, '-n', '-i', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', 'scratch'])} &&`,
          `${shellWords([tools.mkdir, '-p', ...scratch])} &&`,
        ]),
    ...groups.map((file, index) => `exec ${descriptors[index]}>${shellWord(file)} &&`),
    ':',
    '}',
    'run() {',
    ...descriptors.map((descriptor) => `echo 0 >&${descriptor} || exit`),
    ...Object.entries(environment).map(([name, value]) => `export ${variable(name, value)}`),
    // What the shells before have set for themselves.
    ...['LC_ALL', 'OLDPWD', 'SHLVL'].filter((name) => !(name in environment)).map((name) => `unset ${name}`),
    ...findProgram(command[0]),
    `exec ${shellWords([...drop, ...command])} 9>&- ${descriptors.map((descriptor) => `${descriptor}>&-`).join(' ')}`,
    '}',
    '',
  ].join('\n');
}

function variable(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new Invalid({
      reason: `"${name}" can't be the name of an environment variable on this machine`,
      advice: 'Use letters, digits and "_", no digit first.',
    });
  }
  return `${name}=${shellWord(value)}`;
}

/** Tells a program that can't be started from one that ends with the same exit code (XCU 2.8.2: 127 and 126). */
function findProgram(program: string): string[] {
  const fail = (code: number, why: string) =>
    `{ echo ${shellWord(`can't start "${program}": ${why}`)} >&2; echo ${code} StartError >&9; exit ${code}; }`;
  const word = shellWord(program);
  if (!program.includes('/')) {
    return [`command -v ${word} >/dev/null || ${fail(127, 'there is no such program in PATH')}`];
  }
  return [
    `[ -e ${word} ] || ${fail(127, 'there is no such file')}`,
    `[ -f ${word} ] && [ -x ${word} ] || ${fail(126, 'it is not an executable file')}`,
  ];
}
