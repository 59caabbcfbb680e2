import { fchmodSync, fstatSync, openSync } from 'node:fs';

/** Set-user-id and set-group-id are dropped: the file does not belong to whom they were meant for. */
const permissions = 0o1777;

/**
 * Creates files with exactly the permission bits that they should have. What the umask (or an inherited access control list)
 * leaves of a mode is looked up once, as setting the mode of every file again would take a tenth of the time to write it.
 */
export class FileModes {
  readonly #isKept = new Map<number, boolean>();

  /**
   * The descriptor of the new file, for writing.
   * @throws the system's error, such as `EEXIST`: a file that is there already is never opened
   */
  create(location: string, mode: number): number {
    const wanted = mode & permissions;
    const descriptor = openSync(location, 'wx', wanted);
    if (!this.#keeps(wanted, descriptor)) fchmodSync(descriptor, wanted);
    return descriptor;
  }

  #keeps(mode: number, descriptor: number): boolean {
    const known = this.#isKept.get(mode);
    if (known !== undefined) return known;
    const isKept = (fstatSync(descriptor).mode & 0o7777) === mode;
    this.#isKept.set(mode, isKept);
    return isKept;
  }
}
