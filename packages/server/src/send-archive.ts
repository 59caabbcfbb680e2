import type { ServerResponse } from 'node:http';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ArchiveType, archiveTypes, checksumTrailer, gzippedTar } from '@knitfab/api';
import { digestOf, encodeBody, giveBack } from '@knitfab/archive';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Answers with a tar stream: gzipped and with its checksum as 1.6 does, or as another type for those who ask for that. One that fails
 * on the way breaks the connection, which is how the receiver notices.
 */
export async function sendArchive(
  tar: Readable,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.hijack();
  const answer = reply.raw;
  const contentType = preferredType(request.headers.accept);
  const body = encodeBody(tar, contentType);
  try {
    if (contentType !== gzippedTar) {
      answer.writeHead(200, { 'content-type': contentType });
      await send(body, answer);
      answer.end();
      return;
    }
    // HTTP/1.0, as some proxies speak it, has no trailers.
    const hasTrailers = request.raw.httpVersion !== '1.0';
    answer.writeHead(200, { 'content-type': contentType, ...(hasTrailers && { trailer: checksumTrailer }) });
    const { chunks, md5 } = digestOf(body);
    await send(chunks, answer);
    if (hasTrailers) answer.addTrailers({ [checksumTrailer]: md5() });
    answer.end();
  } catch (error) {
    tar.destroy();
    answer.destroy();
    if (!request.raw.socket.destroyed || !request.raw.errored)
      request.log.warn({ err: error }, 'a download was broken off');
  }
}

/** Writes chunks to an answer, and gives the memory of each back when it has gone out. */
async function send(chunks: AsyncIterable<Buffer>, answer: ServerResponse): Promise<void> {
  const closed = new AbortController();
  const close = () => closed.abort(new Error('the connection was closed'));
  answer.once('close', close);
  const sending = new Writable({
    write(chunk: Buffer, _encoding, done) {
      answer.write(chunk, (error) => {
        giveBack(chunk);
        done(error);
      });
    },
  });
  await pipeline(chunks, sending, { signal: closed.signal }).finally(() => answer.off('close', close));
}

/** The archive type that comes first in an Accept header; gzip for whoever names none. */
function preferredType(accept = ''): ArchiveType {
  const named = archiveTypes.filter((type) => accept.includes(type));
  const [first] = named.sort((a, b) => accept.indexOf(a) - accept.indexOf(b));
  return first ?? gzippedTar;
}
