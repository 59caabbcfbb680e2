import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentTask,
  agentTokenVariable,
  agentUrlVariable,
  encodeOutcome,
  outcomeTrailer,
  parseTask,
  taskHeader,
} from '@knitfab/drivers/kubernetes/pod-wire';

/** A Data Agent's line to the knitd-backend that made it. */
export interface Home {
  readonly task: AgentTask;
  /** What there is to write; ends with an error when home breaks off. */
  readonly received: IncomingMessage;
  /**
   * Sends what was read, and tells how it went: an error of the stream is told too, as one of the work.
   * @throws {Error} when home is gone
   */
  report(work: AsyncIterable<Buffer>): Promise<void>;
}

/** A network policy may need a moment to let a new Pod through. */
const patienceMilliseconds = 30_000;
const pauseMilliseconds = 200;
const connectMilliseconds = 5_000;
const keepAliveMilliseconds = 10_000;

/**
 * Calls home and asks for the task; tries again for a while when nobody answers.
 * @throws {Error} when home is gone, or does not know this agent
 */
export async function dialHome(environment: NodeJS.ProcessEnv): Promise<Home> {
  const url = environment[agentUrlVariable];
  const token = environment[agentTokenVariable];
  if (url === undefined || token === undefined)
    throw new Error(`${agentUrlVariable} and ${agentTokenVariable} must be set`);
  const giveUp = Date.now() + patienceMilliseconds;
  for (;;) {
    try {
      const received = await answerOf(call('POST', url, token).end());
      // Told when it matters: whoever reads it.
      received.on('error', () => {});
      const task = parseTask(received.headers[taskHeader]?.toString());
      return { task, received, report: (work) => report(call('PUT', url, token), work) };
    } catch (error) {
      if (error instanceof Refusal || Date.now() > giveUp)
        throw new Error(`can't reach ${url}: ${(error as Error).message}`, { cause: error });
    }
    await sleep(pauseMilliseconds);
  }
}

/** Home has answered, and does not want this agent. */
class Refusal extends Error {}

const agent = new Agent({ keepAlive: true });

function call(method: 'POST' | 'PUT', url: string, token: string): ClientRequest {
  const sent = request(url, {
    method,
    agent,
    headers: { authorization: `Bearer ${token}`, ...(method === 'PUT' && { trailer: outcomeTrailer }) },
  });
  sent.once('socket', (socket) => {
    // A home whose node is gone would otherwise be waited for until eternity.
    socket.setKeepAlive(true, keepAliveMilliseconds);
    if (!socket.connecting) return;
    const late = setTimeout(() => sent.destroy(new Error('no connection')), connectMilliseconds);
    socket.once('connect', () => clearTimeout(late)).once('close', () => clearTimeout(late));
  });
  return sent;
}

/** @throws {Refusal} for any answer but 200 */
function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject).once('response', (received) => {
      if (received.statusCode === 200) resolve(received);
      else {
        sent.destroy();
        reject(new Refusal(`it answers ${received.statusCode}`));
      }
    });
  });
}

async function report(sent: ClientRequest, work: AsyncIterable<Buffer>): Promise<void> {
  const answered = answerOf(sent);
  answered.catch(() => {});
  let failure: { error: unknown } | undefined;
  /** What there is, without the error that it may end with: that is for home, not for the pipeline. */
  async function* done(): AsyncGenerator<Buffer, void> {
    try {
      yield* work;
    } catch (error) {
      failure = { error };
    }
  }
  await pipeline(done(), sent, { end: false });
  sent.addTrailers({
    [outcomeTrailer]: failure === undefined ? encodeOutcome() : encodeOutcome(failure.error),
  });
  sent.end();
  await answered;
  agent.destroy();
}
