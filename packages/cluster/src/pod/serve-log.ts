import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { recorderPaths } from '@knitfab/drivers/kubernetes/pod-wire';
import type { RecordedLog } from './recorded-log.ts';

export interface LogServer {
  /** Takes no more requests, and resolves when the last one has been answered. */
  close(): Promise<void>;
  /** Breaks off those that are being answered. */
  destroy(): void;
}

export interface LogServerOptions {
  readonly port: number;
  /** What a request has to know. */
  readonly token: string;
  readonly onMainEnded: () => void;
}

const pieceBytes = 64 * 1024;
const keepAliveMilliseconds = 10_000;

/**
 * Answers `GET /log?follow=true|false&from=BYTE` with what the log's file holds from that byte on (0 when left out); with `follow`
 * it goes on until the log is complete. An answer that is broken off shows as such, as it is chunked. `POST /main-ended` is handed
 * on.
 */
export function serveLog(log: RecordedLog, { port, ...given }: LogServerOptions): LogServer {
  const answering = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  let http: Promise<Server> | undefined;
  const server = createServer({ keepAlive: true, keepAliveInitialDelay: keepAliveMilliseconds }, (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    // Most logs are read when they are complete: what HTTP takes of memory and time is spent on the first reader.
    http ??= openHttp((request, response) => {
      const answered = answer(log, given, request, response)
        .catch((error: unknown) => {
          console.error((error as Error).message);
          response.destroy();
        })
        .finally(() => answering.delete(answered));
      answering.add(answered);
    });
    void http.then((opened) => opened.emit('connection', socket));
  });
  // Recording matters more than being read meanwhile.
  server.on('error', (error) => console.error(error.message)).listen(port);
  return {
    async close() {
      server.close();
      await Promise.all(answering);
    },
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function openHttp(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const { createServer: createHttp } = await import('node:http');
  return createHttp(listener);
}

async function answer(
  log: RecordedLog,
  { token, onMainEnded }: Omit<LogServerOptions, 'port'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number) => void response.writeHead(status, { connection: 'close' }).end();
  if (!isAuthorized(request.headers.authorization, token)) return refuse(401);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://recorder');
  if (pathname === recorderPaths.mainEnded && request.method === 'POST') {
    response.writeHead(204, { connection: 'close' }).end();
    return onMainEnded();
  }
  if (pathname !== recorderPaths.log || request.method !== 'GET') return refuse(404);
  const from = Number(searchParams.get('from') ?? 0);
  if (!Number.isSafeInteger(from) || from < 0) return refuse(400);
  response.writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close' }).flushHeaders();
  await send(log, response, { from, follow: searchParams.get('follow') === 'true' });
}

/** One piece of memory for each reader, however much is sent. */
async function send(
  log: RecordedLog,
  response: ServerResponse,
  { from, follow }: { from: number; follow: boolean },
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const unlisten = log.onChange(wake);
  response.once('close', wake);
  try {
    for (let position = from; !response.destroyed; ) {
      changed = Promise.withResolvers<void>();
      // Asked before reading: all of a log that is complete by now is there to be read.
      const isLast = log.isComplete || !follow;
      for (let length = -1; length !== 0 && !response.destroyed; position += length) {
        length = await log.read(buffer, position);
        if (length > 0) await write(response, buffer.subarray(0, length));
      }
      if (isLast) break;
      await changed.promise;
    }
  } finally {
    unlisten();
  }
  if (response.destroyed) return;
  response.end();
  await Promise.race([once(response, 'finish'), once(response, 'close')]);
}

/** Resolves when the piece has gone out, or will never. */
const write = (response: ServerResponse, piece: Buffer): Promise<void> =>
  new Promise((resolve) => response.write(piece, () => resolve()));

function isAuthorized(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
