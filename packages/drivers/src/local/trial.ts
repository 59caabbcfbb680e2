import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Mount, parseMountTable } from './mount-table.ts';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import type { RootFileSystem } from './root-file-system.ts';
import { shellWord } from './shell-words.ts';
import type { SystemTools } from './system-tools.ts';
import type { Trash } from './trash.ts';
import { fillWorkerDirectory } from './worker-directory.ts';
import { workerFstab } from './worker-fstab.ts';
import { mountCommand } from './worker-script.ts';

export interface TrialMounts {
  /** What was mounted in the end. */
  readonly mounts: readonly Mount[];
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
  async mount(root: RootFileSystem): Promise<TrialMounts> {
    const script = `${mountCommand(this.#tools)}; while IFS= read -r line; do printf '%s\\n' "$line"; done </proc/self/mountinfo`;
    const { stdout, stderr } = await this.#inWorkerDirectory(root, script);
    return { mounts: parseMountTable(stdout), complaints: stderr.trim() };
  }

  /**
   * Goes through all that a worker's start needs.
   * @param init the file with the script of a worker's first process
   * @returns what went wrong, if anything
   */
  async start(root: RootFileSystem, init: string): Promise<string | undefined> {
    const script = `exec 7>/dev/null 8>&2; . ${shellWord(init)}`;
    const { stderr } = await this.#inWorkerDirectory(root, script);
    return /^code 0$/m.test(stderr) ? undefined : stderr.trim();
  }

  async #inWorkerDirectory(
    root: RootFileSystem,
    script: string,
  ): Promise<{ stdout: string; stderr: string }> {
    const directory = join(this.#places.trash, randomUUID());
    try {
      fillWorkerDirectory(
        directory,
        workerFstab(root, this.#places, []),
        {
          command: ['true'],
          environment: { PATH: '/usr/bin:/bin' },
          umask: 0o022,
          groups: [],
          note: { execution: { driver: 'local' } },
        },
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
