import type { ErrorBody } from '@knitfab/api';
import { KnitError } from '@knitfab/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The one place where failures become answers (spec page 2, "Errors"). Whatever is not expected is a defect: 500. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body } = errorAnswer(error);
  if (status >= 500 && status !== 503) request.log.error({ err: error }, 'the request failed');
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function errorAnswer(error: unknown): { status: number; body: ErrorBody } {
  if (error instanceof KnitError) {
    const { status, message, reason, advice, see } = error;
    return { status, body: { message, reason, ...(advice && { advice }), ...(see && { see }) } };
  }
  const fault = clientFault(error);
  if (fault !== undefined)
    return { status: fault.status, body: { message: fault.reason, reason: fault.reason } };
  const reason = 'the server failed to do this: it is a defect of the server';
  const advice = "Please report it with the server's log.";
  return { status: 500, body: { message: `${reason}\n${advice}`, reason, advice } };
}

/** Fastify's own refusals of malformed requests carry a 4xx. */
function clientFault(error: unknown): { status: number; reason: string } | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  return { status: statusCode, reason: error.message };
}
