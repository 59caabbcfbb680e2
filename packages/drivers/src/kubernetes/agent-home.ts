import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AgentTask, taskHeader } from './pod-wire.ts';

/** A request of a Data Agent, and its answer. */
export interface AgentCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Expected {
  readonly token: string;
  readonly task: AgentTask;
  /** It asks for its task, and has been told. */
  arrive(call: AgentCall): void;
  /** It has something to say, whose end is how it went. */
  report(call: AgentCall): void;
}

const keepAliveMilliseconds = 10_000;

/** Where the Data Agents of this process call: the requests below `/api/backend/agents/`. */
export class AgentHome {
  readonly #expected = new Map<string, Expected>();

  /** Expects an agent's calls. @returns a function that ends this */
  expect(id: string, expected: Expected): () => void {
    this.#expected.set(id, expected);
    return () => this.#expected.delete(id);
  }

  /**
   * Takes an agent's request, whose path ends with the agent's id; the answer is this class's from now on. Both may take as long
   * as a transfer takes, so the server must not limit the time of a request.
   */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const id = (request.url ?? '').split('?', 1)[0]?.split('/').at(-1) ?? '';
    const expected = this.#expected.get(id);
    if (expected === undefined || !isBearer(request.headers.authorization, expected.token)) {
      // The same for both: whether there is such an agent is nobody's business.
      response.writeHead(401, { connection: 'close' }).end();
      return;
    }
    // An agent whose node is gone would otherwise be waited for until eternity.
    request.socket.setKeepAlive(true, keepAliveMilliseconds);
    if (request.method === 'PUT') {
      expected.report({ request, response });
    } else if (request.method === 'POST') {
      request.resume();
      response.writeHead(200, { [taskHeader]: JSON.stringify(expected.task) }).flushHeaders();
      expected.arrive({ request, response });
    } else response.writeHead(405, { connection: 'close' }).end();
  }
}

function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
