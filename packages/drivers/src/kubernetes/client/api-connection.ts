import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import { apiError } from './api-error.ts';
import type { ClusterAccess } from './cluster-access.ts';

export interface ApiRequest {
  /** For messages: what is asked for, such as `list pods`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Whether the answer may go on for long, as that of a watch. */
  readonly isLasting?: boolean;
  readonly signal?: AbortSignal;
}

/** How long the API server may take to answer. */
const answerMilliseconds = 30_000;

/** How often a request is sent again that the API server had no time for. */
const busyAttempts = 4;

/** HTTP to one API server, over connections that are kept. */
export class ApiConnection {
  readonly #access: ClusterAccess;
  /** For what is answered soon; more at once would cost handshakes and gain nothing. */
  readonly #agent: Agent;
  /** For what lasts, and must not keep the others waiting. */
  readonly #lastingAgent: Agent;

  constructor(access: ClusterAccess) {
    this.#access = access;
    const kept = { ...access.tls, keepAlive: true, keepAliveMsecs: 15_000 };
    this.#agent = new Agent({ ...kept, maxSockets: 10, scheduling: 'lifo' });
    this.#lastingAgent = new Agent(kept);
  }

  /**
   * The answer as JSON.
   * @throws {KnitError} see `apiError`; {Unavailable} when the server can't be reached
   */
  async json<T>(request: ApiRequest): Promise<T> {
    const response = await this.open(request);
    return (await readJson(response, request.what)) as T;
  }

  /**
   * The answer as a stream, once its header is there.
   * @throws {KnitError} as `json`
   */
  async open(request: ApiRequest): Promise<IncomingMessage> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#sendTwice(request);
      const { statusCode: code = 0 } = response;
      if (code >= 200 && code < 300) return response;
      const body = await readJson(response, request.what).catch(() => undefined);
      // Kubernetes, "API Priority and Fairness": too many at once are told to come back.
      const seconds = Number(response.headers['retry-after']);
      if (code !== 429 || attempt >= busyAttempts || !(seconds >= 0))
        throw apiError(request.what, code, body);
      await sleep(Math.min(seconds, 10) * 1000, undefined, { signal: request.signal });
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#lastingAgent.destroy();
  }

  /** A kept connection may have been closed by the server just when it was used again. */
  async #sendTwice(request: ApiRequest): Promise<IncomingMessage> {
    try {
      return await this.#send(request);
    } catch (error) {
      if (error instanceof StaleConnection) return await this.#send(request);
      throw error;
    }
  }

  #send({
    what,
    method,
    path,
    query,
    body,
    contentType,
    isLasting,
    signal,
  }: ApiRequest): Promise<IncomingMessage> {
    const { server, token, authorities } = this.#access;
    const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      accept: 'application/json',
      'user-agent': 'knitfab',
      ...(token && { authorization: `Bearer ${token()}` }),
      ...(payload && { 'content-type': contentType ?? 'application/json', 'content-length': payload.length }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const agent = isLasting ? this.#lastingAgent : this.#agent;
    const isSecure = url.protocol === 'https:';
    const trust = authorities && { ca: authorities() };
    const options = { method, headers, ...(signal && { signal }), ...(isSecure && { agent, ...trust }) };
    const request = (isSecure ? httpsRequest : httpRequest)(url, options, resolve);
    const slow = setTimeout(
      () => request.destroy(new Error(`no answer for ${answerMilliseconds / 1000} seconds`)),
      answerMilliseconds,
    );
    request.once('response', () => clearTimeout(slow));
    request.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(slow);
      if (signal?.aborted) reject(signal.reason);
      else if (request.reusedSocket && error.code === 'ECONNRESET')
        reject(new StaleConnection(error.message));
      else reject(unreachable(what, server, error));
    });
    request.end(payload);
    return promise;
  }
}

class StaleConnection extends Error {}

const unreachable = (what: string, server: URL, error: Error): Unavailable =>
  new Unavailable({
    reason: `could not ${what}: the Kubernetes API at ${server.origin} can't be reached (${error.message})`,
    cause: error,
  });

async function readJson(response: IncomingMessage, what: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  const slow = setTimeout(() => response.destroy(), answerMilliseconds);
  try {
    for await (const chunk of response) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new Unavailable({
      reason: `could not ${what}: the answer of the Kubernetes API broke off or is not JSON`,
      cause: error,
    });
  } finally {
    clearTimeout(slow);
  }
}
