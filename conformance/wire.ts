import { createHash } from 'node:crypto';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

export interface Sent {
  /** JSON of a value, unless `body` is given. */
  readonly json?: unknown;
  /** Bytes as they are; several are sent as chunks of their own. */
  readonly body?: string | Buffer | readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent after the body without being announced, as Go's client does; the body is chunked then. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** No Content-Length: the body is chunked. */
  readonly chunked?: boolean;
}

/** How long one exchange may take, in milliseconds. */
const patience = 30_000;

/** Plain HTTP/1.1, so that what is judged is the wire and not a client's view of it. */
export class Wire {
  readonly #root: URL;
  readonly #ca: Buffer | undefined;
  readonly #agent: http.Agent;

  /** @param root the server, such as `http://127.0.0.1:30803`; a path below it comes before `/api` */
  constructor(root: string, ca?: Buffer) {
    this.#root = new URL(root);
    this.#ca = ca;
    const transport = this.#root.protocol === 'https:' ? https : http;
    this.#agent = new transport.Agent({ keepAlive: true, ...(ca && { ca }) });
  }

  get = (path: string): Promise<Answer> => this.send('GET', path);
  put = (path: string, json?: unknown): Promise<Answer> => this.send('PUT', path, { json });
  post = (path: string, json: unknown): Promise<Answer> => this.send('POST', path, { json });
  delete = (path: string): Promise<Answer> => this.send('DELETE', path);

  send(
    method: string,
    path: string,
    { json, body, headers = {}, trailers, chunked }: Sent = {},
  ): Promise<Answer> {
    const payload = body ?? (json === undefined ? [] : JSON.stringify(json));
    const chunks = (Array.isArray(payload) ? payload : [payload]) as (string | Buffer)[];
    const length = chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0);
    const isChunked = chunked === true || trailers !== undefined;
    return new Promise((resolve, reject) => {
      const transport = this.#root.protocol === 'https:' ? https : http;
      const request = transport.request(
        {
          hostname: this.#root.hostname.replace(/^\[(.*)\]$/, '$1'),
          port: this.#root.port,
          path: `${this.#root.pathname.replace(/\/$/, '')}${path}`,
          method,
          agent: this.#agent,
          timeout: patience,
          headers: {
            ...headers,
            ...(isChunked
              ? { 'transfer-encoding': 'chunked' }
              : chunks.length > 0 && { 'content-length': length }),
          },
        },
        (response) => {
          const received: Buffer[] = [];
          response.on('data', (chunk: Buffer) => received.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(received);
            const text = bytes.toString('utf8');
            const { statusCode: status = 0, headers: heads, trailers: tails } = response;
            resolve({ status, headers: heads, trailers: tails, bytes, text, json: parsed(text) });
          });
        },
      );
      request.on('error', reject);
      request.on('timeout', () =>
        request.destroy(new Error(`${method} ${path} had no answer for ${patience / 1000} s`)),
      );
      for (const chunk of chunks) request.write(chunk);
      if (trailers) request.addTrailers(trailers);
      request.end();
    });
  }

  /** Reads an answer that does not end, until `enough` says so of what has come. */
  stream(path: string, headers: Record<string, string>, enough: (text: string) => boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const transport = this.#root.protocol === 'https:' ? https : http;
      const options = { agent: false, headers, timeout: patience, ...(this.#ca && { ca: this.#ca }) };
      const at = new URL(`${this.#root.pathname.replace(/\/$/, '')}${path}`, this.#root);
      const request = transport.get(at, options, (response) => {
        const received: Buffer[] = [];
        const finish = () => {
          const bytes = Buffer.concat(received);
          const text = bytes.toString('utf8');
          const { statusCode: status = 0, headers: heads, trailers } = response;
          resolve({ status, headers: heads, trailers, bytes, text, json: parsed(text) });
          request.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          received.push(chunk);
          if (enough(Buffer.concat(received).toString('utf8'))) finish();
        });
        response.on('end', finish);
        response.on('error', () => {});
      });
      request.on('timeout', () =>
        request.destroy(new Error(`GET ${path} sent nothing for ${patience / 1000} s`)),
      );
      request.on('error', reject);
    });
  }

  /** Sends bytes over a socket of their own, and returns all that comes back until the server ends it or falls silent. */
  raw(bytes: string | Buffer, { half = false }: { half?: boolean } = {}): Promise<string> {
    const { hostname, port, protocol } = this.#root;
    const secure = protocol === 'https:';
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const at = { host, port: Number(port) || (secure ? 443 : 80) };
    return new Promise((resolve, reject) => {
      const socket = secure ? tls.connect({ ...at, ...(this.#ca && { ca: this.#ca }) }) : net.connect(at);
      const received: Buffer[] = [];
      socket.setTimeout(2000, () => socket.destroy());
      socket.on('data', (chunk) => received.push(chunk));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? undefined : reject(error),
      );
      socket.on('close', () => resolve(Buffer.concat(received).toString('latin1')));
      socket.write(bytes);
      if (half) socket.end();
    });
  }

  /** The `Host` header that a raw request needs. */
  get host(): string {
    return this.#root.host;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
