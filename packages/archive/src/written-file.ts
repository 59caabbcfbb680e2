import { closeSync, futimesSync } from 'node:fs';

/** A new file that gets its content piece by piece. It owns its descriptor and closes it after the last piece. */
export interface WrittenFile {
  /** Takes the next piece of content. A promise means: wait for it before the next piece. */
  write(piece: Buffer): Promise<void> | undefined;
  /** Closes a file that will not get the rest of its content. */
  abandon(): Promise<void>;
}

/** Gives a file whose content is complete its time (seconds) and closes it. */
export function finishFile(descriptor: number, mtime: number): void {
  const time = fileTime(mtime);
  futimesSync(descriptor, time, time);
  closeSync(descriptor);
}

/** Seconds since the epoch as Node sets them: a number below zero would mean now to it. */
export const fileTime = (seconds: number): number | Date =>
  seconds < 0 ? new Date(seconds * 1000) : seconds;

/** What is left of the pieces after their first `count` bytes: a disk that is filling up takes a part only. */
export function afterFirst(count: number, pieces: readonly Buffer[]): Buffer[] {
  let skip = count;
  const left: Buffer[] = [];
  for (const piece of pieces) {
    if (skip < piece.length) left.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return left;
}
