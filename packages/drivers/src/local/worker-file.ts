import { Invalid } from '@knitfab/core';
import type { Execution } from '@knitfab/engine';
import type { LimitGroups } from './limits/limit-groups.ts';
import type { Privileges } from './privileges.ts';
import { shellWord, shellWords } from './shell-words.ts';

/** The longest argument or variable of a command, in bytes (execve(2), MAX_ARG_STRLEN less the terminating zero). */
export const maxArgumentBytes = 131_071;

/** What the driver itself keeps of a worker. */
export interface WorkerNote {
  readonly execution: Execution;
  readonly groups?: LimitGroups;
}

/** What is different from worker to worker. */
export interface WorkerFile {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Rights that files made by the command do not have. */
  readonly umask: number;
  /** The file for stdout and stderr. */
  readonly log?: string;
  /** Files to write a `0` to for joining the groups that limit the worker. */
  readonly groups: readonly string[];
  readonly note: WorkerNote;
}

/**
 * The file `worker` of a worker's directory, a part of the scripts of its supervisor and its first process: `open_groups` is
 * for before the new root, `run` for within it.
 * @throws {Invalid} for a variable that a shell can't set
 */
export function formatWorkerFile(
  { command, environment, umask, log = '', groups, note }: WorkerFile,
  { drop }: Privileges,
): string {
  const joined = groups.map((file, index) => ({ file, descriptor: index + 3 }));
  const close = ['8>&-', ...joined.map(({ descriptor }) => `${descriptor}>&-`)].join(' ');
  return [
    `log=${shellWord(log)}`,
    'open_groups() {',
    ...joined.map(({ file, descriptor }) => `exec ${descriptor}>${shellWord(file)}`),
    ':',
    '}',
    'run() {',
    ...joined.map(({ descriptor }) => `echo 0 >&${descriptor} || exit`),
    `umask ${umask.toString(8)}`,
    // What the shells before have set for themselves.
    'unset LC_ALL OLDPWD SHLVL',
    ...Object.entries(environment).map(([name, value]) => `export ${variable(name, value)}`),
    ...findProgram(command[0]),
    `exec ${shellWords([...drop, ...command])} ${close}`,
    '}',
    `${noteMark}${JSON.stringify(note)}`,
    '',
  ].join('\n');
}

/** Begins the last line, a comment. */
const noteMark = '# note: ';

/** @returns undefined for a file that was cut off, by a crash before the worker was launched or a power cut */
export function parseWorkerNote(file: string): WorkerNote | undefined {
  const start = file.lastIndexOf(`\n${noteMark}`);
  if (start === -1 || !file.endsWith('\n')) return undefined;
  return JSON.parse(file.slice(start + 1 + noteMark.length)) as WorkerNote;
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
    `{ echo ${shellWord(`can't start "${program}": ${why}`)} >&2; echo 'code ${code} StartError' >&8; exit ${code}; }`;
  const word = shellWord(program);
  if (!program.includes('/')) {
    return [`command -v ${word} >/dev/null || ${fail(127, 'there is no such program in PATH')}`];
  }
  return [
    `[ -e ${word} ] || ${fail(127, 'there is no such file')}`,
    `[ -f ${word} ] && [ -x ${word} ] || ${fail(126, 'it is not an executable file')}`,
  ];
}
