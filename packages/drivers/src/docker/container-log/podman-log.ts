import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ContainerLog } from './container-log.ts';
import { K8sLogDecoder } from './k8s-log-decoder.ts';
import { KeptLog } from './kept-log.ts';

const pieceBytes = 256 * 1024;

/**
 * The log of a container of Podman, from the file that conmon writes whether or not anybody else is there. The API would give
 * the same at 6 MB/s, and looks for changes only now and then (Podman 4.3, measured).
 */
export class PodmanLog implements ContainerLog {
  readonly #source: string;
  readonly #target: string;
  #decoder = new K8sLogDecoder();
  #position = 0;
  #open: Promise<{ source: FileHandle; kept: KeptLog }> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(source: string, target: string) {
    this.#source = source;
    this.#target = target;
  }

  catchUp(): Promise<void> {
    const work = () => this.#copy();
    this.#last = this.#last.then(work, work);
    return this.#last;
  }

  onChange(listener: () => void): () => void {
    const watcher = watch(this.#source, listener).on('error', listener);
    return () => watcher.close();
  }

  close(): void {
    void this.#open?.then(({ source, kept }) => Promise.all([source.close(), kept.close()])).catch(() => {});
    this.#open = undefined;
    this.#position = 0;
    this.#decoder = new K8sLogDecoder();
  }

  async #copy(): Promise<void> {
    this.#open ??= this.#openFiles();
    const { source, kept } = await this.#open;
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      const { bytesRead } = await source.read(piece, 0, pieceBytes, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      await kept.append(this.#decoder.decode(piece.subarray(0, bytesRead)));
    }
  }

  async #openFiles(): Promise<{ source: FileHandle; kept: KeptLog }> {
    return { source: await open(this.#source), kept: await KeptLog.open(this.#target) };
  }
}
