import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { checksumTrailer } from '@knitfab/api';
import type { FastifyReply, FastifyRequest } from 'fastify';

// Archives pass through knitd as they are, no faster than they are taken: they are unpacked, packed and checked by knitd-backend
// alone, next to the volumes.

/** Passes a request's body and its checksum on. The request stays open when the other breaks. */
export async function passOn(message: IncomingMessage, sent: ClientRequest): Promise<void> {
  await pipeline(message.iterator({ destroyOnReturn: false }), sent, { end: false });
  const checksum = message.trailers[checksumTrailer];
  if (checksum !== undefined) sent.addTrailers({ [checksumTrailer]: checksum });
  sent.end();
}

/** Passes an answer's body and its checksum back. One that is broken off breaks the connection, which is how the receiver notices. */
export async function passBack(
  answer: IncomingMessage,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.hijack();
  const { 'content-type': contentType, trailer } = answer.headers;
  // HTTP/1.0, as some proxies speak it, has no trailers.
  const hasTrailers = trailer !== undefined && request.raw.httpVersion !== '1.0';
  reply.raw.writeHead(200, {
    ...(contentType && { 'content-type': contentType }),
    ...(hasTrailers && { trailer }),
  });
  try {
    await pipeline(answer, reply.raw, { end: false });
    const checksum = answer.trailers[checksumTrailer];
    if (hasTrailers && checksum !== undefined) reply.raw.addTrailers({ [checksumTrailer]: checksum });
    reply.raw.end();
  } catch (error) {
    answer.destroy();
    reply.raw.destroy();
    request.log.warn({ err: error }, 'a download was broken off');
  }
}
