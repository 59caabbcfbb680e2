import { type IncomingMessage, request } from 'node:http';
import type { Pod } from './client/resource-type.ts';
import { recorderPort, recorderTokenVariable } from './pod-wire.ts';
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
export function readRecorder(
  { origin, token }: Recorder,
  { from, follow, signal }: { from: number; follow: boolean; signal: AbortSignal },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}/log?from=${from}&follow=${follow}`, {
      headers: { authorization: `Bearer ${token}` },
      agent: false,
      signal,
    });
    const late = setTimeout(() => sent.destroy(new Error('no answer')), connectMilliseconds);
    sent.once('socket', (socket) => socket.setKeepAlive(true, keepAliveMilliseconds));
    sent.once('error', reject).once('close', () => clearTimeout(late));
    sent.once('response', (response) => {
      clearTimeout(late);
      if (response.statusCode === 200) return resolve(response);
      sent.destroy();
      reject(new Error(`the log recorder answers ${response.statusCode}`));
    });
    sent.end();
  });
}
