import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { NotFound } from '@knitfab/core';

export interface LogSource {
  readonly file: string;
  /** Whether nothing will be added any more. */
  isComplete(): Promise<boolean>;
  /** Calls back when that may have changed. @returns a function that ends it */
  onChange(listener: () => void): () => void;
}

const pieceBytes = 64 * 1024;

/**
 * What a log holds; with `follow` also what is added to it, until it is complete or the signal aborts.
 * @throws {NotFound} when there is no such file
 */
export async function logStream(
  source: LogSource,
  { follow, signal }: { follow: boolean; signal?: AbortSignal },
): Promise<Readable> {
  let handle: FileHandle;
  try {
    handle = await open(source.file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new NotFound({ reason: 'there is no log yet, or it has been deleted', cause });
  }
  const pieces = follow ? followed(handle, source, signal) : written(handle);
  return Readable.from(pieces, { objectMode: false });
}

async function* written(handle: FileHandle): AsyncGenerator<Buffer, void> {
  try {
    yield* rest(handle);
  } finally {
    await handle.close();
  }
}

async function* followed(
  handle: FileHandle,
  source: LogSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const watcher = watch(source.file, wake).on('error', wake);
  const unlisten = source.onChange(wake);
  signal?.addEventListener('abort', wake);
  try {
    while (signal?.aborted !== true) {
      changed = Promise.withResolvers<void>();
      // Asked before reading: all of a log that is complete by now is there to be read.
      const isComplete = await source.isComplete();
      yield* rest(handle, signal);
      if (isComplete) return;
      await changed.promise;
    }
  } finally {
    signal?.removeEventListener('abort', wake);
    unlisten();
    watcher.close();
    await handle.close();
  }
}

async function* rest(handle: FileHandle, signal?: AbortSignal): AsyncGenerator<Buffer, void> {
  while (signal?.aborted !== true) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
