import { createHash } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { checksumTrailer } from '../endpoints/archive-types.ts';
import { type Refusal, serverError } from './server-error.ts';
import { unreachable } from './unreachable.ts';

export interface ConnectionOptions {
  /** Where the API is, such as `http://127.0.0.1:8080/api`. */
  readonly apiRoot: string;
  /** Certificate authority of the server, PEM. */
  readonly ca?: string | Buffer;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Ends every request that is under way; an upload only until its last byte is sent: from then on the server may have
   * made the Data, and its answer has to be heard.
   */
  readonly signal?: AbortSignal;
}

/** A stream as a request's body. */
export interface StreamBody {
  readonly stream: AsyncIterable<Uint8Array>;
  readonly contentType: string;
  /** Whether a trailer with the MD5 of the bytes follows. */
  readonly checksum: boolean;
}

export interface Request {
  readonly method: string;
  /** Below the root, with its query: `/data?tag=a%3Ab`. */
  readonly path: string;
  readonly accept?: string;
  readonly body?: { readonly json: unknown } | StreamBody;
}

/** How long a connection may take to come about, in milliseconds. */
const connectTimeout = 15_000;

/** Requests to one server over connections that are kept open. */
export class Connection {
  readonly apiRoot: string;
  readonly #options: ConnectionOptions;
  readonly #transport: typeof http | typeof https;
  readonly #agent: http.Agent;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.apiRoot = options.apiRoot.replace(/\/+$/, '');
    this.#transport = this.apiRoot.startsWith('https:') ? https : http;
    this.#agent = new this.#transport.Agent({
      keepAlive: true,
      ...(options.ca !== undefined && { ca: options.ca }),
    });
  }

  /**
   * Sends a request.
   * @returns the successful answer, its body not yet read
   * @throws {ServerError} when the server refuses
   * @throws {Unavailable} when it can't be reached, or the connection breaks
   */
  async send(request: Request): Promise<IncomingMessage> {
    const answer = await this.#attempt(request);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw serverError(this.#refusal(answer, await this.#text(answer)));
  }

  /** Sends a request and reads the answer's JSON. */
  async json<Shape>(request: Request): Promise<Shape> {
    const answer = await this.send({ accept: 'application/json', ...request });
    const text = await this.#text(answer);
    try {
      return JSON.parse(text) as Shape;
    } catch {
      throw serverError(this.#refusal(answer, text));
    }
  }

  /** The bytes of an answer; what goes wrong while they are read is said in our words. */
  async *bytes(answer: IncomingMessage): AsyncGenerator<Buffer, void> {
    try {
      yield* answer;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #text(answer: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.bytes(answer)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  #refusal({ statusCode = 0, statusMessage = '' }: IncomingMessage, body: string): Refusal {
    return { apiRoot: this.apiRoot, status: statusCode, statusText: statusMessage, body };
  }

  async #attempt(request: Request): Promise<IncomingMessage> {
    const stream = request.body !== undefined && 'stream' in request.body;
    try {
      return await this.#exchange(request);
    } catch (error) {
      // The server closed a kept connection just when it was used again: it has not seen the request.
      if (stream || !(error instanceof StaleConnection)) throw this.#explained(error);
    }
    return await this.#exchange(request).catch((error) => {
      throw this.#explained(error);
    });
  }

  async #exchange({ method, path, accept, body }: Request): Promise<IncomingMessage> {
    const { signal, headers } = this.#options;
    signal?.throwIfAborted();
    const payload = body !== undefined && 'json' in body ? Buffer.from(JSON.stringify(body.json)) : undefined;
    const upload = body !== undefined && 'stream' in body ? body : undefined;
    const request = this.#transport.request(`${this.apiRoot}${path}`, {
      method,
      agent: this.#agent,
      ...(signal && upload === undefined && { signal }),
      headers: {
        ...headers,
        ...(accept !== undefined && { accept }),
        ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        ...(upload && streamHeaders(upload)),
      },
    });
    const answer = answerTo(request);
    if (upload) {
      const cutOff = () => request.destroy(signal?.reason);
      signal?.addEventListener('abort', cutOff);
      // Whoever answers before the whole body is there has refused it: nobody reads the rest.
      await Promise.race([answer, sendStream(request, upload)]).finally(() =>
        signal?.removeEventListener('abort', cutOff),
      );
      // The rest of a body that was refused half-way is never sent: its connection would only keep this process waiting.
      if (!request.writableEnded) (await answer).once('end', () => request.destroy());
    } else {
      request.end(payload);
    }
    return await answer;
  }

  #explained(error: unknown): unknown {
    if (this.#options.signal?.aborted) return this.#options.signal.reason;
    if (error instanceof SourceFailure) return error.cause;
    const cause = error instanceof StaleConnection ? error.cause : error;
    const isSystemError = cause instanceof Error && 'code' in cause;
    return isSystemError ? unreachable(this.apiRoot, cause as NodeJS.ErrnoException) : cause;
  }
}

class StaleConnection extends Error {}

/** The source of a body failed, not the connection. */
class SourceFailure extends Error {}

const streamHeaders = ({ contentType, checksum }: StreamBody): Record<string, string> => ({
  'content-type': contentType,
  'transfer-encoding': 'chunked',
  ...(checksum && { trailer: checksumTrailer }),
});

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const answer = Promise.withResolvers<IncomingMessage>();
  request.once('response', answer.resolve);
  request.on('error', (error: NodeJS.ErrnoException) => {
    const stale = request.reusedSocket && error.code === 'ECONNRESET';
    answer.reject(stale ? new StaleConnection('', { cause: error }) : error);
  });
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' }));
    }, connectTimeout);
    socket.once('connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
  answer.promise.catch(() => {}); // it is awaited only once the body is sent
  return answer.promise;
}

/** Sends a body to its end. A stream that fails cuts the request off, so that the server keeps nothing of it. */
async function sendStream(request: ClientRequest, { stream, checksum }: StreamBody): Promise<void> {
  const md5 = checksum ? createHash('md5') : undefined;
  let answered = false;
  request.once('response', () => {
    answered = true;
  });
  try {
    for await (const chunk of stream) {
      if (answered || request.destroyed) return;
      md5?.update(chunk);
      if (!request.write(chunk)) await drained(request);
    }
  } catch (error) {
    request.destroy();
    throw new SourceFailure('', { cause: error });
  }
  if (md5) request.addTrailers({ [checksumTrailer]: md5.digest('hex') });
  request.end();
}

/** Waits until more can be written, or nothing ever will. */
function drained(request: ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const event of ['drain', 'close', 'response']) request.once(event, resolve);
  return promise.finally(() => {
    for (const event of ['drain', 'close', 'response']) request.off(event, resolve);
  });
}
