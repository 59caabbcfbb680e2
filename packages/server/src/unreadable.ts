import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorBody } from '@knitfab/api';

const faults: Readonly<Record<string, { status: number; reason: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'address and headers of the request are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'the request took too long to come' },
};

/** Answers what is no HTTP that Node can read, over the bare socket, and ends the connection. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, reason } = faults[error.code ?? ''] ?? {
    status: 400,
    reason: 'the request is not HTTP, or breaks off',
  };
  const body = JSON.stringify({ message: reason, reason } satisfies ErrorBody);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
