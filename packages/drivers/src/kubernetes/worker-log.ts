import { Readable } from 'node:stream';
import type { LoopLog, VolumeRef } from '@knitfab/engine';
import { type Recorder, type RecorderState, readRecorder } from './recorder.ts';
import { findRecorder, RecorderSearch, type RecorderSearchParts } from './recorder-search.ts';

export interface WorkerLogParts extends RecorderSearchParts {
  /** What the file `log` of a volume holds from a byte on. */
  readonly readKept: (volume: VolumeRef, from: number) => Promise<Readable>;
}

export interface WorkerLogRequest {
  /** The worker's. */
  readonly name: string;
  readonly volume: VolumeRef;
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/** A recorder that has just started may not listen yet, and one that has just ended no more. */
const tolerated = 3;

/**
 * What a worker has written: from its recorder as long as there is one, from the log volume afterwards. With `follow` also what it
 * will write: it is waited for before it begins, and the change from the one to the other is at a byte.
 * @throws {NotFound} when the worker is gone and there is no log
 */
export async function workerLog(parts: WorkerLogParts, request: WorkerLogRequest): Promise<Readable> {
  const place = await findRecorder(parts, request.name);
  if (place === 'ended') return await parts.readKept(request.volume, 0);
  const pieces = request.follow ? followed(parts, request) : written(parts, request, place);
  return Readable.from(pieces, { objectMode: false });
}

/** What it has written so far. */
async function* written(
  { readKept }: WorkerLogParts,
  { volume, signal = new AbortController().signal }: WorkerLogRequest,
  place: RecorderState,
): AsyncGenerator<Buffer, void> {
  if (place === 'pending') return;
  let position = 0;
  if (place !== 'ended') {
    try {
      for await (const piece of await readRecorder(place, { from: 0, follow: false, signal })) {
        position += piece.length;
        yield piece;
      }
      return;
    } catch {
      if (signal.aborted) return;
      // It has ended meanwhile, or is cut off from here; the volume has the same.
    }
  }
  yield* await readKept(volume, position);
}

async function* followed(parts: WorkerLogParts, request: WorkerLogRequest): AsyncGenerator<Buffer, void> {
  const { name, volume, signal } = request;
  const end = new AbortController();
  const ended = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  const search = new RecorderSearch(parts, name, ended);
  const complaints = new Complaints(parts.log, name);
  let position = 0;
  try {
    while (!ended.aborted) {
      const place = await search.state();
      if (place === 'ended') {
        yield* await parts.readKept(volume, position);
        return;
      }
      if (place !== 'pending') {
        try {
          const stream = await readRecorder(place, { from: position, follow: true, signal: ended });
          for await (const piece of stream) {
            position += piece.length;
            yield piece;
          }
          return;
        } catch (error) {
          // It has ended without a word, or the connection broke: its Pod tells which.
          complaints.add(place, error as Error);
        }
      }
      await search.change();
    }
  } finally {
    end.abort();
  }
}

/** A recorder that can't be reached again and again is told of once for each reason: a network between that lets nobody through. */
class Complaints {
  readonly #log: LoopLog;
  readonly #worker: string;
  readonly #told = new Set<string>();
  #failures = 0;

  constructor(log: LoopLog, worker: string) {
    this.#log = log;
    this.#worker = worker;
  }

  add({ origin }: Recorder, { message }: Error): void {
    if (++this.#failures < tolerated || this.#told.has(message)) return;
    this.#told.add(message);
    this.#log.warn(
      { worker: this.#worker, recorder: origin, reason: message },
      "a worker's log can not be followed while it runs, and is tried again; it will be whole when the worker has ended",
    );
  }
}
