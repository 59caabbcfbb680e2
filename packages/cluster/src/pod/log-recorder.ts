import { setTimeout as sleep } from 'node:timers/promises';
import {
  logDirectory,
  pipePath,
  recorderPort,
  recorderTokenVariable,
} from '@knitfab/drivers/kubernetes/pod-wire';
import { endWith } from './end-with.ts';
import { pipeMade, readPipe } from './read-pipe.ts';
import { RecordedLog } from './recorded-log.ts';
import { serveLog } from './serve-log.ts';

export interface RecorderPlaces {
  readonly pipe: string;
  readonly directory: string;
  readonly port: number;
}

/** Whoever follows the log and is not up to date by then reads the rest from the volume. */
const lastReadersMilliseconds = 2000;

/**
 * Writes what main prints, all of it, from the pipe to the log volume, and lets it be read over HTTP meanwhile. It ends with the
 * last process that has the pipe, or when it is told that main has ended and nobody has it: with 0, or with 1 and the reason as
 * termination message when something was lost. main is never held up by a log that can't be written.
 */
export async function run(
  environment: NodeJS.ProcessEnv,
  { pipe, directory, port }: RecorderPlaces = { pipe: pipePath, directory: logDirectory, port: recorderPort },
): Promise<void> {
  const deleted = new AbortController();
  process.on('SIGTERM', () => deleted.abort());
  if (!(await pipeMade(pipe, deleted.signal))) return;
  const log = new RecordedLog(directory);
  const reading = readPipe(pipe, (piece) => log.append(piece));
  const server = serveLog(log, {
    port,
    token: environment[recorderTokenVariable] ?? '',
    onMainEnded: () => reading.endUnlessWritten(),
  });
  // main may still have something to say; one that never started has not.
  deleted.signal.addEventListener('abort', () => reading.endUnlessWritten());
  if (deleted.signal.aborted) reading.endUnlessWritten();
  try {
    await reading.ended;
  } catch (error) {
    log.fail(error);
  }
  await log.finish();
  await Promise.race([server.close(), sleep(lastReadersMilliseconds, undefined, { ref: false })]);
  server.destroy();
  if (log.failure !== undefined) await endWith(log.failure);
}
