import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PipeReading {
  /** Resolves when the last writer has closed the pipe. */
  readonly ended: Promise<void>;
  /** Ends it where nobody has the pipe open for writing, as when nobody ever will. */
  endUnlessWritten(): void;
}

/** What a pipe holds unless told otherwise (pipe(7)). */
const pipeBytes = 64 * 1024;

const lookMilliseconds = 10;

/**
 * Waits for a pipe that somebody else makes while this program starts.
 * @returns whether it was made before the signal aborted
 */
export async function pipeMade(path: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (existsSync(path)) return true;
    await sleep(lookMilliseconds);
  }
  return false;
}

/**
 * Reads a FIFO from its first writer's first byte until its last writer has closed it; a writer that comes and goes without a
 * byte counts. Opened without blocking, a pipe that has no writer yet is told from one that has none any more by epoll alone: it reports
 * a hang-up only for the latter (pipe_poll in Linux).
 * @param onPiece gets memory that is used again as soon as it returns
 */
export function readPipe(path: string, onPiece: (piece: Uint8Array) => void): PipeReading {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = new Socket({
    fd: descriptor,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(pipeBytes),
      callback(length, buffer) {
        onPiece(buffer.subarray(0, length));
        return true;
      },
    },
  });
  const ended = new Promise<void>((resolve, reject) => reader.once('end', resolve).once('error', reject));
  reader.resume();
  return {
    ended,
    endUnlessWritten: () => openAndClose(path),
  };
}

/** A writer that comes and goes; where nobody reads any more, there is nothing to do (fifo(7): ENXIO). */
function openAndClose(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  }
}
