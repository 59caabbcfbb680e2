import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Unavailable } from '@knitfab/core';
import type { EngineAddress } from './engine-address.ts';

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the version, beginning with `/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What the engine answered in place of doing what it was asked to. */
export class EngineRefusal extends Error {
  /** HTTP */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineRefusal';
    this.status = status;
  }
}

/** How long an engine may take to answer; the start of a container with many layers takes seconds on a slow disk. */
const answerMilliseconds = 120_000;

/**
 * Speaks the Docker Engine API over a socket of this machine, as Docker and Podman have it: JSON over HTTP/1.1. Of the client
 * libraries that there are, none does with less than a dozen packages (SSH, gRPC, protocol buffers) for these few calls.
 */
export class EngineClient {
  readonly address: EngineAddress;
  readonly #version: string;

  /** @param version of the API, such as `1.43`; without one, the engine's own */
  constructor(address: EngineAddress, version?: string) {
    this.address = address;
    this.#version = version === undefined ? '' : `/v${version}`;
  }

  /**
   * @returns the answer's body, an empty object for an answer without one
   * @throws {EngineRefusal} for an answer that is an error
   * @throws {Unavailable} when there is no answer
   */
  async json<Answer>(given: EngineRequest): Promise<Answer> {
    const timeout = AbortSignal.timeout(answerMilliseconds);
    const signal = given.signal === undefined ? timeout : AbortSignal.any([given.signal, timeout]);
    const answer = await this.stream({ ...given, signal });
    try {
      const content = await text(answer);
      return (content === '' ? {} : JSON.parse(content)) as Answer;
    } catch (cause) {
      throw this.#noAnswer(cause);
    }
  }

  /** @returns an answer that goes on; throws as `json` does */
  async stream({
    method = 'GET',
    path,
    query = {},
    body,
    headers,
    signal,
  }: EngineRequest): Promise<IncomingMessage> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) search.set(name, String(value));
    const isStream = body !== undefined && 'pipe' in body;
    const options: RequestOptions = {
      ...this.address.connection,
      method,
      path: `${this.#version}${path}${search.size > 0 ? `?${search}` : ''}`,
      headers: {
        host: 'engine',
        ...headers,
        ...(body && !isStream && { 'content-type': 'application/json' }),
      },
      // A connection of its own for each request: an engine that has stopped when idle would break kept ones.
      agent: false,
      ...(signal && { signal }),
    };
    const answer = await this.#answer(options, body).catch((cause: unknown) => {
      throw this.#noAnswer(cause);
    });
    const { statusCode: status = 0 } = answer;
    if (status < 400) return answer;
    throw new EngineRefusal(status, await messageOf(answer));
  }

  #answer(options: RequestOptions, body: object | Readable | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(options, resolve).once('error', reject);
      if (body === undefined) sent.end();
      else if ('pipe' in body) body.once('error', (error) => sent.destroy(error)).pipe(sent);
      else sent.end(JSON.stringify(body));
    });
  }

  #noAnswer(cause: unknown): Unavailable {
    return new Unavailable({
      reason: `the container engine at ${this.address.name} does not answer: ${(cause as Error).message}`,
      advice: 'See whether Docker or Podman runs. Containers that it has started are found again.',
      cause,
    });
  }
}

/** Docker and Podman both say why as `message`. */
async function messageOf(answer: IncomingMessage): Promise<string> {
  const { statusCode, statusMessage } = answer;
  const content = await text(answer).catch(() => '');
  try {
    const { message } = JSON.parse(content) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message.trim();
  } catch {
    // It is plain text.
  }
  return content.trim().slice(0, 1000) || `${statusCode} ${statusMessage}`;
}
