import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import { shellWord, shellWords } from './shell-words.ts';
import type { SystemTools } from './system-tools.ts';

/**
 * How a worker lives, as shell scripts. In its directory there are the files `worker` (worker-file.ts) and
 * `fstab` (worker-fstab.ts), which the driver has written, and the file `life`, to which are appended:
 *
 * | line                           | by         | says                                                   |
 * |--------------------------------|------------|--------------------------------------------------------|
 * | `supervisor BOOT PROCESS-STAT` | supervisor | this process takes the worker                          |
 * | `init PROCESS-STAT`            | init       | the first process of its namespaces is there           |
 * | `running SECONDS`              | init       | its root file system is, too; the command comes next   |
 * | `code NUMBER`                  | init       | the command has ended; `StartError` when it can't start |
 * | `ended SECONDS`                | supervisor | no process is left, and the log is complete            |
 * | anything else                  | any        | a complaint                                            |
 *
 * Seconds are since the machine's start: a shell can read that clock without starting another program.
 *
 * **Launched once, whatever is killed when.** A worker exists from the moment that its `life` is made, by its supervisor and with
 * O_EXCL. So two supervisors of one worker, such as one that was asked for just before the server was killed and one that the next
 * server asked for, can't both go on; and what has begun needs no server to go on. The launcher answers only then. To remove a
 * worker that nobody has taken, the driver makes its `life` itself: a supervisor that comes late finds it there, or the directory
 * gone, whether it has gone in before or not. When a supervisor is killed, that is found out by its process id and start time.
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
 * Reads names of workers, one a line, and answers each with a line once its supervisor has taken it.
 *
 * The supervisor has to be forked twice and to kill the shell between, lest its parent wait for it: `&` would do the same, but
 * the signals that it makes the shell ignore (XCU 2.11) would be ignored by the user's code too, with no way back.
 *
 * The log goes through a pipe. Were the log file itself the standard output, a program that opens /dev/stdout or /dev/stderr to
 * write would truncate it.
 */
const launcherScript = (
  tools: SystemTools,
  { enter }: Privileges,
  places: Places,
  init: string,
): string => `boot=$1

supervise() {
  cd ${shellWord(places.workers)}/"$name" || exit
  read -r pid command state parent rest </proc/self/stat
  set -C
  : >life || exit
  set +C
  echo "supervisor $boot $pid $command $state $parent $rest" >>life || { rm -f life; exit; }
  kill -KILL "$parent"
  . ./worker
  if [ -n "$log" ]; then
    enter | ${shellWord(tools.cat)} >>"$log"
    [ -s "$log" ] || complain >>"$log"
  else
    (enter) >/dev/null
  fi
  read -r seconds rest </proc/uptime
  echo "ended $seconds" >>life
  echo "$name" >>${shellWord(places.events)}
}

enter() {
  exec ${shellWords(enter)} /bin/sh ${shellWord(init)} "$name" 2>>life 7>>${shellWord(places.events)} 8>>life
}

# A log without a word may be that of a command that was never started: then it tells why.
complain() {
  complaints=
  while IFS= read -r line; do
    case $line in
      "running "*) return ;;
      "supervisor "* | "init "*) ;;
      *) complaints="$complaints$line
" ;;
    esac
  done <life
  printf %s "$complaints"
}

while IFS= read -r name; do
  (
    (supervise)
    :
  ) </dev/null >/dev/null 2>&1
  echo "$name"
done
`;

/** Mounts all that the file `fstab` lists, in its order: without looking for links, helpers or a place to take note of it. */
export const mountCommand = ({ mount }: SystemTools): string => `${shellWord(mount)} -c -n -i -a -T fstab`;

/**
 * The first process of a worker's namespaces: puts the root file system together and waits for the command. It is the parent of
 * whatever loses its own, and when it ends, the kernel kills all that is left. What it makes is for all users that the command may
 * change to; the command has the umask of the server.
 *
 * It finds out its own process id before /proc is that of the new namespace. Descriptors: 2 and 8 `life`, 7 events.
 * Signals pass it by: those that it has no handler for do not reach a namespace's first process.
 */
const initScript = (tools: SystemTools, places: Places): string => `read -r self </proc/self/stat
echo "init $self" >&8 || exit
umask 022
. ./worker
open_groups &&
${mountCommand(tools)} >&2 &&
cd ${shellWord(places.root)} &&
${shellWord(tools.pivot_root)} . . &&
${shellWord(tools.umount)} -c -n -i -l / &&
cd / || exit
read -r seconds rest </proc/uptime
echo "running $seconds" >&8 || exit
echo "$1" >&7
exec 7>&-
(run) 2>&1
echo "code $?" >&8
`;
