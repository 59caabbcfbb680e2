import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveBack } from '@knitfab/archive';
import { KnitError, Unavailable } from '@knitfab/core';
import type { TransferDriver, VolumeRef } from '@knitfab/engine';
import type { AgentCall } from './agent-home.ts';
import type { CalledAgent, DataAgents } from './data-agents.ts';
import { type AgentTask, decodeOutcome, outcomeTrailer } from './pod-wire.ts';

/** How long it may take until Kubernetes says why an agent's connection broke. */
const postMortemMilliseconds = 5_000;

/** Brings trees in and out of volumes by a Data Agent for each transfer; nothing is kept here but what is under way. */
export class KubernetesTransfers implements TransferDriver {
  readonly #agents: DataAgents;

  constructor(agents: DataAgents) {
    this.#agents = agents;
  }

  async read(ref: VolumeRef): Promise<Readable> {
    return await this.#read(ref, { kind: 'pack' });
  }

  /**
   * What the file `log` of a volume holds from a byte on.
   * @throws {NotFound} when there is none
   */
  async readLog(ref: VolumeRef, from: number): Promise<Readable> {
    const stream = await this.#read(ref, { kind: 'log', from });
    // Comes with the first piece or the end, which tell whether there is a log.
    await once(stream, 'readable');
    return stream;
  }

  async write(ref: VolumeRef, tar: AsyncIterable<Buffer>): Promise<void> {
    const agent = await this.#agents.start(ref, { kind: 'unpack' });
    const outcome = agent.report.then(outcomeOf);
    try {
      const sent = send(tar, agent.answer);
      await Promise.race([outcome, agent.lost, sent.then(() => outcome)]);
    } catch (error) {
      throw await asTold(error, [outcome, agent.lost]);
    } finally {
      agent.answer.destroy();
      agent.remove();
    }
  }

  async #read(ref: VolumeRef, task: AgentTask): Promise<Readable> {
    const agent = await this.#agents.start(ref, task);
    try {
      agent.answer.end();
      const { request, response } = await Promise.race([agent.report, agent.lost]);
      // A Pod that is killed and a node that is lost do not always break the connection.
      agent.lost.catch((error: Error) => request.destroy(error));
      const stream = Readable.from(received(agent, { request, response }), { objectMode: false });
      return stream.once('close', () => {
        request.destroy();
        agent.remove();
      });
    } catch (error) {
      agent.remove();
      throw error;
    }
  }
}

/** Sends a stream as the answer, as fast as it is taken. */
async function send(tar: AsyncIterable<Buffer>, answer: ServerResponse): Promise<void> {
  for await (const chunk of tar) {
    await new Promise<void>((resolve, reject) => {
      answer.write(chunk, (error) => (error ? reject(new BrokenOff(error.message)) : resolve()));
    });
    giveBack(chunk);
  }
  answer.end();
}

/** How a report says that it all went, whatever else it brings. */
async function outcomeOf({ request, response }: AgentCall): Promise<void> {
  for await (const _ of chunksOf(request));
  response.end();
  decodeOutcome(request.trailers[outcomeTrailer]);
}

/** All that an agent has read, and an error where it was not all. */
async function* received(
  { lost }: CalledAgent,
  { request, response }: AgentCall,
): AsyncGenerator<Buffer, void> {
  try {
    yield* chunksOf(request);
    response.end();
  } catch (error) {
    throw await asTold(error, [lost]);
  }
  decodeOutcome(request.trailers[outcomeTrailer]);
}

async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw error instanceof KnitError ? error : new BrokenOff((error as Error).message);
  }
}

/** A connection broke. */
class BrokenOff extends Error {}

/**
 * Why a connection broke: told by the agent itself, or by Kubernetes, if one of them does so soon.
 * @param told whichever rejects first does so with the reason
 */
async function asTold(error: unknown, told: readonly Promise<unknown>[]): Promise<unknown> {
  if (!(error instanceof BrokenOff)) return error;
  const unknown = new Unavailable({
    reason: `the Data Agent broke off in the middle: ${error.message}`,
    advice: 'Try again.',
    cause: error,
  });
  return await Promise.race([...told, sleep(postMortemMilliseconds)]).then(
    () => unknown,
    (reason: unknown) => reason,
  );
}
