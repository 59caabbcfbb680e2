import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import { shellWord, shellWords } from './shell-words.ts';
import type { SystemTools } from './system-tools.ts';

/**
 * How a worker lives, as shell scripts. Of its files (see worker-record.ts) these are written here:
 *
 * | file      | by         | says                                                            |
 * |-----------|------------|-----------------------------------------------------------------|
 * | `claim`   | supervisor | which process supervises the worker                             |
 * | `init`    | init       | which process is the worker's first; then, that its command runs |
 * | `code`    | init       | the exit code                                                   |
 * | `errors`  | both       | why the command could not be started                            |
 * | `ended`   | supervisor | that no process of the worker is left, and its log is complete  |
 *
 * **Launched once, whatever is killed when.** A worker exists from the moment that its `claim` is made, by its supervisor and with
 * O_EXCL: so two supervisors of one worker, such as one that was asked for just before the server was killed and one that the next
 * server asked for, can't both go on; and what is claimed needs no server to go on. The launcher answers only after the claim.
 * To remove a worker that nobody has claimed, the driver claims it itself: a supervisor that comes late then finds it taken (or its
 * directory gone, which it is in by then, under whatever name) and ends. A claim whose supervisor was killed is found by the
 * supervisor's process id and start time, which are in it.
 */
export interface WorkerScripts {
  /** The shell that launches workers, with its script and the script's arguments. */
  readonly launcher: readonly [string, ...string[]];
  /** The script of the first process of a worker's namespaces; to be run in the worker's directory. */
  readonly init: string;
}

/** Puts the scripts into files: so `ps` tells what is running. Those that run the files of an earlier server keep them. */
export async function openWorkerScripts(
  tools: SystemTools,
  privileges: Privileges,
  places: Places,
  boot: string,
): Promise<WorkerScripts> {
  const init = join(places.scripts, 'init');
  const launcher = join(places.scripts, 'launcher');
  await Promise.all([
    replaceFile(init, initScript(tools, places)),
    replaceFile(launcher, launcherScript(tools, privileges, places, init)),
  ]);
  return { init, launcher: ['/bin/sh', launcher, boot] };
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/**
 * Reads names of workers, one a line, and answers each with a line once its supervisor has claimed it.
 *
 * The supervisor has to be forked twice and to kill the shell between, lest its parent wait for it: `&` would do the same, but
 * the signals that it makes the shell ignore (XCU 2.11) would be ignored by the user's code too, with no way back.
 *
 * The log goes through a pipe. Were the log file itself the standard output, a program that opens /dev/stdout or /dev/stderr to
 * write would truncate it.
 */
const launcherScript = (tools: SystemTools, { enter }: Privileges, places: Places, init: string): string => `
boot=$1

supervise() {
  cd ${shellWord(places.workers)}/"$name" || exit
  read -r pid command state parent rest </proc/self/stat
  set -C
  : >claim || exit
  set +C
  echo "$boot $pid $command $state $parent $rest" >>claim || { rm -f claim; exit; }
  kill -KILL "$parent"
  . ./worker
  if [ -n "$log" ]; then
    enter | ${shellWord(tools.cat)} >>"$log"
    [ -s code ] || ${shellWord(tools.cat)} errors >>"$log"
  else
    (enter)
  fi
  : >ended
  echo >>${shellWord(places.events)}/"$name"
}

enter() {
  exec ${shellWords(enter)} /bin/sh ${shellWord(init)} "$name" 2>errors 7>>${shellWord(places.events)}/"$name" 8>init 9>code
}

while IFS= read -r name; do
  (
    (supervise)
    :
  ) </dev/null >/dev/null 2>&1
  echo "$name"
done`;

/**
 * The first process of a worker's namespaces: puts the root file system together and waits for the command. It is the parent of
 * whatever loses its own, and when it ends, the kernel kills all that is left.
 *
 * It finds out its own process id before /proc is that of the new namespace. Descriptors: 7 event, 8 `init`, 9 `code`.
 * Signals pass it by: those that it has no handler for do not reach a namespace's first process.
 */
const initScript = (tools: SystemTools, places: Places): string => `
read -r self </proc/self/stat
echo "$self" >&8 || exit
. ./worker
prepare &&
${shellWord(tools.mount)} -c -n -i -a -T fstab >&2 &&
cd ${shellWord(places.root)} &&
${shellWord(tools.pivot_root)} . . &&
${shellWord(tools.umount)} -c -n -i -l / &&
cd / || exit
echo running >&8 || exit
echo >&7
exec 7>&- 8>&-
(run) 2>&1
echo $? >&9`;
