import type { Client, RunDetail } from '@knitfab/api';
import { isFinished } from '@knitfab/core';
import { note } from '../output/print.ts';
import { Changes } from './changes.ts';
import { Narration } from './narration.ts';
import { mayPass, Patience } from './patience.ts';

/**
 * What a Run writes to its log, from the beginning to its end: before it starts it is waited for, and when the connection
 * breaks (the server is restarted) the log goes on where it was cut off, without a byte twice or lost.
 */
export async function* followLog(
  client: Client,
  runId: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const patience = new Patience(client.apiRoot, signal);
  const detail = () => patience.request(() => client.getRun(runId));
  const changes = new Changes(client, signal);
  const narration = new Narration();
  let received = 0;
  let attempt: number | undefined;
  try {
    for (let run = await detail(); ; run = await detail()) {
      if (!hasStarted(run)) {
        narration.tell([run]);
        await changes.next();
        continue;
      }
      if (received > 0 && run.attempt !== attempt) {
        note(`The Run ${runId} was started again: its log begins anew.`);
        received = 0;
      }
      attempt = run.attempt;
      try {
        for await (const bytes of beyond(received, await client.getRunLog(runId, { follow: true }))) {
          received += bytes.length;
          yield bytes;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!mayPass(error)) throw error;
        continue;
      }
      if (hasEnded(await detail())) return;
      // The log may end a moment before the Run does.
      await changes.next();
      if (hasEnded(await detail())) return;
    }
  } finally {
    changes.close();
  }
}

const hasStarted = ({ status }: RunDetail): boolean =>
  status !== 'deactivated' && status !== 'waiting' && status !== 'ready';

/** Nothing is written any more. */
const hasEnded = ({ status }: RunDetail): boolean =>
  isFinished(status) || status === 'completing' || status === 'aborting';

/** A stream without its first bytes. */
async function* beyond(known: number, stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let left = known;
  for await (const chunk of stream) {
    const bytes = chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - bytes.length;
    if (bytes.length > 0) yield bytes;
  }
}
