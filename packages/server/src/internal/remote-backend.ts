import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import type { DataDetail } from '@knitfab/api';
import { Invalid, KnitError, type KnitId } from '@knitfab/core';
import type { Finding } from '@knitfab/engine';
import type { Backend } from '../backend.ts';
import { answered, call, readAnswer, unreachable } from './backend-call.ts';
import { passBack, passOn } from './pass-archive.ts';
import { internalPaths } from './paths.ts';

/** An upload that sends nothing for so long is broken off. */
const silenceMilliseconds = 5 * 60_000;

/**
 * knitd-backend as knitd sees it; any number of copies of it may answer.
 * @param url where it is, such as `http://knitd-backend:8080`
 */
export function remoteBackend(
  url: string,
  checks: Pick<Backend, 'driver' | 'checkPlan' | 'checkResources'>,
): Backend {
  const ask = async (path: string, options: RequestOptions = {}): Promise<IncomingMessage> => {
    const sent = call(new URL(path, url), options);
    sent.end();
    return await answered(sent);
  };
  return {
    ...checks,
    receive: ({ raw: message }) => receive(message, new URL(internalPaths.data, url)),
    send: async (knitId, request, reply) => {
      const { accept } = request.headers;
      const gone = new AbortController();
      const leave = () => gone.abort();
      reply.raw.once('close', leave);
      const answer = await ask(internalPaths.aData.replace(':knitId', knitId), {
        headers: accept === undefined ? {} : { accept },
        signal: gone.signal,
      });
      reply.raw.off('close', leave);
      await passBack(answer, request, reply);
    },
    examine: async ({ fix }) => {
      const answer = await ask(`${internalPaths.doctor}?fix=${fix}`, { method: 'POST' });
      return (await readAnswer(answer)) as Finding[];
    },
    log: async (runId, { follow, signal }): Promise<Readable> =>
      await ask(`${internalPaths.log.replace(':runId', runId)}${follow ? '?follow=true' : ''}`, {
        ...(signal && { signal }),
      }),
  };
}

/** Passes an upload on, and hears at once when it is refused: a bad archive before its end. */
async function receive(message: IncomingMessage, url: URL): Promise<KnitId> {
  message.setTimeout(silenceMilliseconds, () => message.destroy(new Error('the upload went silent')));
  const { 'content-type': contentType, trailer } = message.headers;
  const headers = { ...(contentType && { 'content-type': contentType }), ...(trailer && { trailer }) };
  const sent = call(url, { method: 'POST', headers });
  const answer = answered(sent);
  const passed = passOn(message, sent);
  try {
    await Promise.race([passed, answer]);
    const { knitId } = (await readAnswer(await answer)) as DataDetail;
    return knitId as KnitId;
  } catch (error) {
    const cause = await reasonOf(error, message, answer);
    sent.destroy();
    // The rest of the body is passed over, so that the sender comes to read the answer.
    if (!message.errored) message.resume();
    throw cause;
  }
}

/** What has gone wrong first: a sender that is gone, a refusal, or a connection that broke. */
async function reasonOf(
  error: unknown,
  { errored }: IncomingMessage,
  answer: Promise<IncomingMessage>,
): Promise<unknown> {
  if (errored) {
    answer.catch(() => {});
    return new Invalid({ reason: 'the upload was cut off', advice: 'Send it again, whole.', cause: errored });
  }
  if (error instanceof KnitError) return error;
  // A connection that breaks while it is written to may have brought an answer before.
  return await answer.then(
    () => unreachable(error as Error),
    (refusal: unknown) => refusal,
  );
}
