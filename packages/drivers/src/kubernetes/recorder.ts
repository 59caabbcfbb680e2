import { type IncomingMessage, request } from 'node:http';
import type { Pod } from './client/resource-type.ts';
import { recorderPaths, recorderPort, recorderTokenVariable } from './pod-wire.ts';
import { containerNames } from './worker-job.ts';

/** Where the log of a worker that runs can be read. */
export interface Recorder {
  /** Without a path. */
  readonly origin: string;
  readonly token: string;
}

/** What a worker's Pod says of its recorder: it will be, it is, or it was. */
export type RecorderState = 'pending' | 'ended' | Recorder;

const connectMilliseconds = 5_000;
const keepAliveMilliseconds = 10_000;

export function recorderIn({ spec, status }: Pod): RecorderState {
  const container = spec?.containers.find(({ name }) => name === containerNames.log);
  const state = status?.containerStatuses?.find(({ name }) => name === containerNames.log)?.state;
  if (container === undefined || state?.terminated !== undefined) return 'ended';
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return 'ended';
  const token = container.env?.find(({ name }) => name === recorderTokenVariable)?.value;
  const address = status?.podIP;
  if (state?.running === undefined || !address || token === undefined) return 'pending';
  return { origin: `http://${address.includes(':') ? `[${address}]` : address}:${recorderPort}`, token };
}

/**
 * What a recorder has from a byte on. With `follow` it ends only when the log is complete; a connection that breaks is an error.
 * @throws {Error} when it can't be reached or refuses
 */
export const readRecorder = (
  recorder: Recorder,
  { from, follow, signal }: { from: number; follow: boolean; signal: AbortSignal },
): Promise<IncomingMessage> =>
  ask(recorder, { path: `${recorderPaths.log}?from=${from}&follow=${follow}`, signal });

/**
 * Tells a recorder that main has ended: where main never opened the pipe, it waits no longer for that.
 * @throws {Error} when it can't be reached or refuses
 */
export async function tellMainEnded(recorder: Recorder): Promise<void> {
  const answer = await ask(recorder, { method: 'POST', path: recorderPaths.mainEnded });
  answer.destroy();
}

function ask(
  { origin, token }: Recorder,
  { path, ...options }: { method?: 'POST'; path: string; signal?: AbortSignal },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const sent = request(`${origin}${path}`, { ...options, headers, agent: false });
    const late = setTimeout(() => sent.destroy(new Error('no answer')), connectMilliseconds);
    sent.once('socket', (socket) => socket.setKeepAlive(true, keepAliveMilliseconds));
    sent.once('error', reject).once('close', () => clearTimeout(late));
    sent.once('response', (response) => {
      clearTimeout(late);
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return resolve(response);
      sent.destroy();
      reject(new Error(`the log recorder answers ${statusCode}`));
    });
    sent.end();
  });
}
