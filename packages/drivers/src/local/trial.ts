import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Mount, parseMountTable } from './mount-table.ts';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import { shellWord } from './shell-words.ts';
import type { SystemTools } from './system-tools.ts';
import type { Trash } from './trash.ts';
import { fillWorkerDirectory } from './worker-directory.ts';
import { type View, workerMounts } from './worker-mounts.ts';

export interface TrialMounts {
  /** What was mounted in the end; undefined when there was no getting so far. */
  readonly mounts: readonly Mount[] | undefined;
  /** What was complained of. */
  readonly complaints: string;
}

/** Finds out what this machine and user allow, by doing it. */
export class Trial {
  readonly #tools: SystemTools;
  readonly #privileges: Privileges;
  readonly #places: Places;
  readonly #trash: Trash;

  constructor(tools: SystemTools, privileges: Privileges, places: Places, trash: Trash) {
    this.#tools = tools;
    this.#privileges = privileges;
    this.#places = places;
    this.#trash = trash;
  }

  /**
   * Enters namespaces, and does nothing there.
   * @returns what went wrong, if anything
   */
  async enter(): Promise<string | undefined> {
    const { stdout, stderr } = await this.#output('echo entered', this.#places.trash);
    return stdout === 'entered\n' ? undefined : stderr.trim();
  }

  /** Mounts everything that can be mounted, in namespaces that end at once. */
  async mount(view: View): Promise<TrialMounts> {
    const mount = `${shellWord(this.#tools.mount)} -c -n -i -a -T fstab`;
    const script = `. ./worker; prepare && ${mount}; while IFS= read -r line; do printf '%s\\n' "$line"; done </proc/self/mountinfo`;
    const { stdout, stderr } = await this.#inWorkerDirectory(view, script);
    return { mounts: stdout === '' ? undefined : parseMountTable(stdout), complaints: stderr.trim() };
  }

  /**
   * Goes through all that a worker's start needs.
   * @param init the file with the script of a worker's first process
   * @returns what went wrong, if anything
   */
  async start(view: View, init: string): Promise<string | undefined> {
    const script = `exec 7>/dev/null 8>/dev/null 9>&1; . ${shellWord(init)}`;
    const { stdout, stderr } = await this.#inWorkerDirectory(view, script);
    return stdout === '0\n' ? undefined : `${stdout}${stderr}`.trim();
  }

  async #inWorkerDirectory(view: View, script: string): Promise<{ stdout: string; stderr: string }> {
    const directory = join(this.#places.trash, randomUUID());
    await mkdir(directory);
    try {
      fillWorkerDirectory(
        directory,
        {
          mounts: workerMounts(view, this.#places, directory, []),
          scratch: view.scratch,
          command: { command: ['true'], environment: { PATH: '/usr/bin:/bin' }, groups: [] },
        },
        this.#tools,
        this.#privileges,
      );
      return await this.#output(script, directory);
    } finally {
      await this.#trash.discard(directory);
    }
  }

  #output(script: string, cwd: string): Promise<{ stdout: string; stderr: string }> {
    const [file = '', ...args] = [...this.#privileges.enter, '/bin/sh', '-c', script];
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    return new Promise((resolve) => {
      execFile(file, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
        resolve({ stdout, stderr: stderr === '' && error !== null ? error.message : stderr }),
      );
    });
  }
}
