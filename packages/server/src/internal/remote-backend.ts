import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { Readable } from 'node:stream';
import { buffer, json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { checksumTrailer, type DataDetail } from '@knitfab/api';
import { Conflict, Invalid, type KnitError, type KnitId, NotFound, Unavailable } from '@knitfab/core';
import type { Finding } from '@knitfab/engine';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Backend } from '../backend.ts';
import { internalPaths } from './paths.ts';

/** An upload that sends nothing for so long is broken off. */
const silenceMilliseconds = 5 * 60_000;

/** knitd-backend as knitd sees it. Archives pass through as they are: they are unpacked where they are stored, and only there. */
export function remoteBackend(
  url: string,
  checks: Pick<Backend, 'driver' | 'checkPlan' | 'checkResources'>,
): Backend {
  // A connection for each request: none can turn out to be closed when a body that can't be sent again is on its way.
  const agent = new Agent({ keepAlive: false });
  const call = (path: string, options: RequestOptions): ClientRequest =>
    httpRequest(new URL(path, url), { agent, ...options });
  const ask = async (path: string, options: RequestOptions = {}): Promise<IncomingMessage> => {
    const sent = call(path, options);
    sent.end();
    return await answered(sent);
  };
  return {
    ...checks,
    receive: async ({ raw: message }) => {
      message.setTimeout(silenceMilliseconds, () => message.destroy(new Error('the upload went silent')));
      const { 'content-type': contentType, trailer } = message.headers;
      const sent = call(internalPaths.data, {
        method: 'POST',
        headers: { ...(contentType && { 'content-type': contentType }), ...(trailer && { trailer }) },
      });
      // Heard at once: a bad archive is refused before its end.
      const answer = answered(sent);
      try {
        await Promise.race([passOn(message, sent), answer]);
        const { knitId } = (await json(await answer)) as DataDetail;
        return knitId as KnitId;
      } catch (error) {
        answer.catch(() => {});
        sent.destroy();
        if (message.errored)
          throw new Invalid({
            reason: 'the upload was cut off',
            advice: 'Send it again, whole.',
            cause: message.errored,
          });
        // The rest of the body is passed over, so that the sender comes to read the answer.
        message.resume();
        throw error;
      }
    },
    send: async (knitId, request, reply) => {
      const { accept } = request.headers;
      const answer = await ask(internalPaths.aData.replace(':knitId', knitId), {
        headers: accept === undefined ? {} : { accept },
      });
      await passBack(answer, request, reply);
    },
    examine: async ({ fix }) =>
      (await json(await ask(`${internalPaths.doctor}?fix=${fix}`, { method: 'POST' }))) as Finding[],
    log: async (runId, { follow, signal }): Promise<Readable> =>
      await ask(`${internalPaths.log.replace(':runId', runId)}${follow ? '?follow=true' : ''}`, {
        ...(signal && { signal }),
      }),
  };
}

/** The answer to a request. @throws {KnitError} what it says, when it is a failure */
async function answered(sent: ClientRequest): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.on('error', (cause) => reject(unreachable(cause)));
  });
  if (answer.statusCode === 200) return answer;
  throw await failure(answer);
}

const unreachable = (cause: Error): Unavailable =>
  new Unavailable({
    reason: `knitd-backend can't be reached: ${cause.message}`,
    advice: 'Try again; if it stays so, look at the Deployment knitd-backend.',
    cause,
  });

async function failure(answer: IncomingMessage): Promise<KnitError | Error> {
  const text = (await buffer(answer)).toString();
  let body: { reason?: string; message?: string; advice?: string; see?: string };
  try {
    body = JSON.parse(text);
  } catch {
    body = { reason: text.slice(0, 200) };
  }
  const { reason = body.message ?? 'knitd-backend has refused', advice, see } = body;
  const parts = { reason, ...(advice && { advice }), ...(see && { see }) };
  switch (answer.statusCode) {
    case 400:
      return new Invalid(parts);
    case 404:
      return new NotFound(parts);
    case 409:
      return new Conflict(parts);
    case 503:
      return new Unavailable(parts);
    default:
      return new Error(`knitd-backend answers ${answer.statusCode}: ${reason}`);
  }
}

/** The body and its checksum, as they come. */
async function passOn(message: IncomingMessage, sent: ClientRequest): Promise<void> {
  await pipeline(message.iterator({ destroyOnReturn: false }), sent, { end: false });
  const checksum = message.trailers[checksumTrailer];
  if (checksum !== undefined) sent.addTrailers({ [checksumTrailer]: checksum });
  sent.end();
}

/** The answer's body and its checksum, as they come. One that is broken off breaks the connection, which is how the receiver notices. */
async function passBack(
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
    if (!request.raw.socket.destroyed || !request.raw.errored)
      request.log.warn({ err: error }, 'a download was broken off');
  }
}
