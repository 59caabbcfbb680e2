import { type FileHandle, open } from 'node:fs/promises';

/**
 * The file that a log is kept in. The source is read from its beginning after each start of the server: what the file holds
 * already, to the byte, is left out.
 */
export class KeptLog {
  readonly #handle: FileHandle;
  #skip: number;

  private constructor(handle: FileHandle, skip: number) {
    this.#handle = handle;
    this.#skip = skip;
  }

  static async open(file: string): Promise<KeptLog> {
    const handle = await open(file, 'a');
    return new KeptLog(handle, (await handle.stat()).size);
  }

  async append(content: Buffer): Promise<void> {
    const known = Math.min(this.#skip, content.length);
    this.#skip -= known;
    const fresh = content.subarray(known);
    if (fresh.length > 0) await this.#handle.appendFile(fresh);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
