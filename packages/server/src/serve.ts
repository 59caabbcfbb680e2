import type { IncomingMessage } from 'node:http';
import { type Endpoint, readable } from '@knitfab/api';
import { Invalid } from '@knitfab/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** A request, read by its endpoint's schemas. */
export interface Given<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** Largest JSON body, in bytes: a few dozen tags with the largest values. */
const maxJsonBytes = 64 * 1024 * 1024;

/** A request that sends nothing for so long is given up. */
const silenceMilliseconds = 60_000;

/** Serves an endpoint that answers with JSON, or with nothing (204). */
export function serve<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, S extends z.ZodType>(
  app: FastifyInstance,
  endpoint: Endpoint<P, Q, B, S>,
  handle: (given: Given<z.output<P>, z.output<Q>, z.output<B>>) => Promise<unknown>,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    handler: async (request, reply) => {
      const { params, query } = readAddress(endpoint, request);
      const body = endpoint.body === undefined ? undefined : read(endpoint.body, await readJson(request));
      const answer = await handle({ params, query, body: body as z.output<B>, request, reply });
      if (endpoint.response.status === 204) return reply.code(204).send();
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer));
    },
  });
}

/** Serves an endpoint whose body or answer are bytes: the handler does all of the answering. */
export function serveBytes<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  S extends z.ZodType,
>(
  app: FastifyInstance,
  endpoint: Endpoint<P, Q, B, S>,
  handle: (given: Omit<Given<z.output<P>, z.output<Q>, never>, 'body'>) => Promise<unknown>,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    handler: async (request, reply) => handle({ ...readAddress(endpoint, request), request, reply }),
  });
}

/**
 * What a request's path and query say.
 * @throws {Invalid} saying which field is wrong
 */
export function readAddress<P extends z.ZodType, Q extends z.ZodType>(
  endpoint: { params: P; query: Q },
  request: FastifyRequest,
): { params: z.output<P>; query: z.output<Q> } {
  const params = read(endpoint.params, request.params);
  checkEncoding(request.url);
  return { params, query: read(endpoint.query, request.query) };
}

/** Query parsers take what is no percent-encoded UTF-8 as it stands, and would look for something that nobody has named. */
function checkEncoding(url: string): void {
  try {
    decodeURIComponent(url);
  } catch (cause) {
    throw new Invalid({
      reason: 'the query is not percent-encoded UTF-8',
      advice: 'Write "%" as %25, and other characters as the bytes of their UTF-8.',
      cause,
    });
  }
}

/** @throws {Invalid} saying which field is wrong */
function read<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (!result.success) throw readable(result.error);
  return result.data;
}

/**
 * Reads the JSON body of an endpoint that takes bytes as well.
 * @throws {Invalid} when it is none, or saying which field is wrong
 */
export const readBody = async <B extends z.ZodType>(
  { body }: { body?: B },
  request: FastifyRequest,
): Promise<z.output<B>> => {
  if (body === undefined) throw new Error('the endpoint takes no JSON');
  return read(body, await readJson(request));
};

/**
 * Reads the body as JSON, whatever its Content-Type (spec page 2).
 * @throws {Invalid} when it is none
 */
async function readJson({ raw: message }: FastifyRequest): Promise<unknown> {
  const text = await readText(message);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason =
      text.trim() === '' ? 'the body is empty' : `the body is not JSON: ${(cause as Error).message}`;
    throw new Invalid({ reason, advice: 'Send a JSON object in UTF-8.', cause });
  }
}

/**
 * Reads the body as text.
 * @throws {Invalid} when it is not UTF-8, too large, or cut off
 */
export const readText = async (message: IncomingMessage): Promise<string> => utf8(await readBytes(message));

/** A byte order mark at the beginning is passed over, as RFC 8259 allows. */
function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Invalid({ reason: 'the body is not UTF-8', advice: 'Send a JSON object in UTF-8.', cause });
  }
}

/** @throws {Invalid} when it is too large, or the sender breaks off or falls silent */
async function readBytes(message: IncomingMessage): Promise<Buffer> {
  message.setTimeout(silenceMilliseconds, () => message.destroy(new Error('the request went silent')));
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxJsonBytes)
        throw new Invalid(`the body is larger than ${maxJsonBytes / 1024 / 1024} MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (message.errored) throw new Invalid({ reason: 'the request was cut off', cause: error });
    // The rest of the body is passed over, so that the sender comes to read the answer.
    message.resume();
    throw error;
  }
  return Buffer.concat(chunks);
}
