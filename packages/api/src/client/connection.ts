import { createHash } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { checksumTrailer } from '../endpoints/archive-types.ts';
import { arrayItems } from './array-items.ts';
import { type ItemPage, nextCursor } from './item-page.ts';
import {
  isNotFound,
  isRedirect,
  otherSpelling,
  PathSpelling,
  type Spelling,
  spelt,
} from './path-spelling.ts';
import { proxyEnvironment } from './proxy.ts';
import { type Refusal, type ServerError, serverError } from './server-error.ts';
import { unreachable } from './unreachable.ts';
import { withoutNulls } from './without-nulls.ts';

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
  /** Told of each chunk that has gone out and will not be read again. */
  readonly onSent?: (chunk: Uint8Array) => void;
}

export interface Request {
  readonly method: string;
  /** Below the root, with its query: `/data?tag=a%3Ab`. */
  readonly path: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends this request, as the connection's own ends all. */
  readonly signal?: AbortSignal;
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
  /** For bodies that can't be sent twice: the server may close a kept connection just when it is used again. */
  readonly #freshAgent: http.Agent;
  readonly #spelling = new PathSpelling();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.apiRoot = options.apiRoot.replace(/\/+$/, '');
    this.#transport = this.apiRoot.startsWith('https:') ? https : http;
    const agent = () =>
      new this.#transport.Agent({
        keepAlive: true,
        proxyEnv: proxyEnvironment(this.apiRoot),
        ...(options.ca !== undefined && { ca: options.ca }),
      });
    this.#agent = agent();
    // Not by `Connection: close`: a server that refuses half-way would reset the connection before its answer is read.
    this.#freshAgent = Object.assign(agent(), { maxFreeSockets: 0 });
  }

  /**
   * Sends a request.
   * @returns the successful answer, its body not yet read
   * @throws {ServerError} when the server refuses
   * @throws {Unavailable} when it can't be reached, or the connection breaks
   */
  async send(request: Request): Promise<IncomingMessage> {
    const spelling = this.#spelling.preferred;
    const answer = await this.#attempt(request, spelling);
    if (isSuccess(answer)) return this.#understood(answer, spelling);
    const refusal = serverError(this.#refusal(answer, await this.#text(answer)));
    if (isStream(request) || !this.#spelling.mayBeWrong(answer, request.path)) throw refusal;
    return await this.#sendOtherwise(request, otherSpelling(spelling), refusal);
  }

  /** Tries the other spelling of the path, where the answer to the first may come from somebody who knows only one. */
  async #sendOtherwise(request: Request, spelling: Spelling, refusal: ServerError): Promise<IncomingMessage> {
    const answer = await this.#attempt(request, spelling);
    if (isSuccess(answer)) return this.#understood(answer, spelling);
    const other = serverError(this.#refusal(answer, await this.#text(answer)));
    if (isRedirect(refusal.status)) throw other;
    if (isRedirect(other.status)) throw refusal;
    // When neither is found, a proxy says so in a word, and Knitfab in a sentence.
    throw isNotFound(other.status) && other.message.length <= refusal.message.length ? refusal : other;
  }

  #understood(answer: IncomingMessage, spelling: Spelling): IncomingMessage {
    this.#spelling.settle(spelling);
    return answer;
  }

  /** Sends a request and reads the answer's JSON. */
  async json<Shape>(request: Request): Promise<Shape> {
    const answer = await this.send({ accept: 'application/json', ...request });
    const text = await this.#text(answer);
    try {
      return withoutNulls(JSON.parse(text) as Shape);
    } catch {
      throw serverError(this.#refusal(answer, text));
    }
  }

  /** Sends a request and reads the answer's JSON array item by item; `next` is the cursor of the page that follows. */
  async items<Item>(request: Request): Promise<ItemPage<Item>> {
    const answer = await this.send({ accept: 'application/json', ...request });
    return { items: this.#itemsOf<Item>(answer), next: nextCursor(answer.headers.link) };
  }

  async *#itemsOf<Item>(answer: IncomingMessage): AsyncGenerator<Item, void> {
    try {
      for await (const item of arrayItems<Item>(this.bytes(answer))) yield withoutNulls(item);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw serverError(this.#refusal(answer, 'it is no list'));
    } finally {
      answer.destroy();
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
    this.#freshAgent.destroy();
  }

  async #text(answer: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.bytes(answer)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  #refusal({ statusCode = 0, statusMessage = '', headers }: IncomingMessage, body: string): Refusal {
    const location = isRedirect(statusCode) ? headers.location : undefined;
    return {
      apiRoot: this.apiRoot,
      status: statusCode,
      statusText: statusMessage,
      body,
      ...(location && { location }),
    };
  }

  async #attempt(asked: Request, spelling: Spelling): Promise<IncomingMessage> {
    const request = { ...asked, path: spelt(asked.path, spelling) };
    try {
      return await this.#exchange(request);
    } catch (error) {
      // The server closed a kept connection just when it was used again: it has not seen the request.
      if (isStream(request) || !(error instanceof StaleConnection)) throw this.#explained(error);
    }
    return await this.#exchange(request).catch((error) => {
      throw this.#explained(error);
    });
  }

  async #exchange({ method, path, accept, body, ...own }: Request): Promise<IncomingMessage> {
    const { headers } = this.#options;
    const signals = [this.#options.signal, own.signal].filter((each) => each !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    signal?.throwIfAborted();
    const payload = body !== undefined && 'json' in body ? Buffer.from(JSON.stringify(body.json)) : undefined;
    const upload = body !== undefined && 'stream' in body ? body : undefined;
    const request = this.#transport.request(`${this.apiRoot}${path}`, {
      method,
      agent: upload ? this.#freshAgent : this.#agent,
      ...(signal && upload === undefined && { signal }),
      headers: {
        ...headers,
        ...own.headers,
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

const isSuccess = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300;

const isStream = ({ body }: Request): boolean => body !== undefined && 'stream' in body;

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
async function sendStream(request: ClientRequest, { stream, checksum, onSent }: StreamBody): Promise<void> {
  const md5 = checksum ? createHash('md5') : undefined;
  let answered = false;
  request.once('response', () => {
    answered = true;
  });
  try {
    for await (const chunk of stream) {
      if (answered || request.destroyed) return;
      md5?.update(chunk);
      if (!request.write(chunk, () => onSent?.(chunk))) await drained(request);
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
