import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Conflict, Invalid, NotFound, Unavailable } from '@knitfab/core';

/** A knitd-backend whose node is gone does not always close its connections. */
const keepAliveMilliseconds = 10_000;

/** A connection for each request: none can turn out to be closed when a body that can't be sent again is on its way. */
const agent = new Agent({ keepAlive: false });

/** Begins a request to knitd-backend. */
export function call(url: URL, options: RequestOptions): ClientRequest {
  const sent = request(url, { agent, ...options });
  sent.once('socket', (socket) => socket.setKeepAlive(true, keepAliveMilliseconds));
  return sent;
}

/**
 * The answer to a request.
 * @throws {KnitError} what the answer says, when it is a failure
 * @throws {Unavailable} when there is none
 */
export async function answered(sent: ClientRequest): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    // Also those that come after the answer, of which whoever reads the answer hears.
    sent.on('error', (cause) => reject(unreachable(cause)));
  });
  if (answer.statusCode === 200) return answer;
  throw await failure(answer);
}

/**
 * An answer's JSON.
 * @throws {Unavailable} when it breaks off
 */
export async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  return JSON.parse(await readWhole(answer));
}

async function readWhole(answer: IncomingMessage): Promise<string> {
  return await text(answer).catch((cause: Error) => {
    throw unreachable(cause);
  });
}

/** Why knitd-backend has not done what it was asked for, of which it has told nothing. */
export const unreachable = (cause: Error): Unavailable =>
  new Unavailable({
    reason: `knitd-backend can't be reached, or has ended in the middle: ${cause.message}`,
    advice: 'Try again; if it stays so, look at the Deployment knitd-backend.',
    cause,
  });

interface ErrorParts {
  reason: string;
  advice?: string;
  see?: string;
}

/** As errors.ts has written it. */
async function failure(answer: IncomingMessage): Promise<Error> {
  const { statusCode = 0 } = answer;
  const parts = errorParts(await readWhole(answer));
  switch (statusCode) {
    case 400:
      return new Invalid(parts);
    case 404:
      return new NotFound(parts);
    case 409:
      return new Conflict(parts);
    // What stands between the two says so too, when there is nobody behind it.
    case 502:
    case 503:
    case 504:
      return new Unavailable(parts);
    default:
      return new Error(`knitd-backend answers ${statusCode}: ${parts.reason}`);
  }
}

function errorParts(body: string): ErrorParts {
  try {
    const { reason, message, advice, see } = JSON.parse(body) as Partial<ErrorParts & { message: string }>;
    return {
      reason: reason ?? message ?? 'knitd-backend has refused',
      ...(advice && { advice }),
      ...(see && { see }),
    };
  } catch {
    return { reason: body.trim().slice(0, 200) || 'knitd-backend has refused' };
  }
}
