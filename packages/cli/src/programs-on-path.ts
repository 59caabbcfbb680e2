import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

const prefix = 'knit-';
const suffixes = ['.exe', '.cmd', '.bat', '.com'];
/** A directory that says nothing for so long is left out: it may lie on a machine that is gone. In milliseconds. */
const patience = 500;

/**
 * Lists programs in all directories side by side. A process of its own: nothing ends a thread that waits for a file system
 * which does not answer, and so this process could never end.
 */
const list = `pattern=$1; shift
for directory; do
  ( for file in "$directory"/$pattern; do [ -f "$file" ] && [ -x "$file" ] && printf '%s\\0' "$file"; done ) &
done
wait`;

/**
 * Programs `knit-NAME` on PATH by NAME (spec page 3); the first directory counts.
 * @param name only the program of this name
 */
export async function programsOnPath(name?: string): Promise<Map<string, string>> {
  if (name !== undefined && !/^[\w.-]+$/.test(name)) return new Map();
  const directories = [...new Set((process.env.PATH ?? '').split(delimiter))].filter((part) => part !== '');
  const files = await (process.platform === 'win32' ? filesIn(directories) : listed(directories, name ?? ''));
  const programs = new Map<string, string>();
  for (const directory of directories) {
    for (const file of files.filter((each) => dirname(each) === join(directory, '.'))) {
      const program = nameOf(file);
      if (program !== '' && !programs.has(program) && (name ?? program) === program)
        programs.set(program, file);
    }
  }
  return programs;
}

function nameOf(file: string): string {
  const suffix = suffixes.find((each) => file.toLowerCase().endsWith(each)) ?? '';
  return basename(file).slice(prefix.length, basename(file).length - suffix.length);
}

async function listed(directories: readonly string[], name: string): Promise<string[]> {
  const child = spawn(
    '/bin/sh',
    ['-c', list, 'sh', `${prefix}${name}*`, ...directories.map((each) => join(each, '.'))],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      // A group of its own, to end all of it.
      detached: true,
    },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const closed = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, patience).unref())]);
  endGroup(child.pid);
  child.stdout.destroy();
  child.unref();
  return text.split('\0').slice(0, -1);
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function filesIn(directories: readonly string[]): Promise<string[]> {
  return directories.flatMap((directory) => {
    try {
      const names = readdirSync(directory).filter((file) => file.startsWith(prefix));
      return names.map((file) => join(directory, file)).filter((file) => statSync(file).isFile());
    } catch {
      return []; // PATH may name directories that do not exist
    }
  });
}
