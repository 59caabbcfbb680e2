import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFound } from '@knitfab/core';
import { logFile } from '@knitfab/drivers/kubernetes/pod-wire';

const pieceBytes = 256 * 1024;

/**
 * What the file `log` of a log volume holds, from a byte on.
 * @throws {NotFound} when there is none
 */
export async function* readLog(directory: string, from: number): AsyncGenerator<Buffer, void> {
  const handle = await open(join(directory, logFile)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new NotFound({ reason: 'there is no log yet, or it has been deleted', cause });
  });
  try {
    for (let position = from; ; ) {
      const { bytesRead, buffer } = await handle.read(
        Buffer.allocUnsafe(pieceBytes),
        0,
        pieceBytes,
        position,
      );
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
