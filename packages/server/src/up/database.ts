import { setTimeout } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@knitfab/store';
import type { FastifyBaseLogger } from 'fastify';
import type { DataDirectory } from './data-directory.ts';

/** The database of a server: an embedded one, or one of the user's own. */
export interface ServerDatabase {
  readonly connectionString: string;
  /** Says that this process holds the database: from now on it is started again when it dies, and stopped with the server. */
  keep(): void;
  /** Says that another process holds it: it is not ours to stop. */
  leave(): void;
  stop(): Promise<void>;
}

/**
 * How long to wait before the database is started again, in milliseconds: at first, and at most. It may end again and again for
 * want of space on its disk; everything goes on as soon as there is some, and nobody has to start the server for that.
 */
const [shortestPause, longestPause] = [100, 10_000];
/** A database that has run for so long is well. */
const wellMilliseconds = 60_000;

/**
 * Starts the embedded PostgreSQL of the data directory, unless `url` names another.
 * @throws {Unavailable} when it can't be started
 */
export async function openDatabase(
  { database: directory }: DataDirectory,
  url: string | undefined,
  { log, fail }: { log: FastifyBaseLogger; fail: (error: Error) => void },
): Promise<ServerDatabase> {
  if (url !== undefined) return { connectionString: url, keep() {}, leave() {}, async stop() {} };
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ directory });
  const { connectionString, adopted } = server;
  let ours = !adopted;
  let stopping = false;

  /** Starts the database again whenever it ends by itself. */
  async function watch(): Promise<void> {
    for (let pause = shortestPause; ; pause = Math.min(2 * pause, longestPause)) {
      const startedAt = performance.now();
      const lastWords = await server.exited;
      if (stopping) return;
      log.error({ lastWords }, 'the database ended by itself and is started again');
      if (performance.now() - startedAt > wellMilliseconds) pause = shortestPause;
      await setTimeout(pause, undefined, { ref: false });
      const started = await startAgain(pause);
      if (started === undefined) return;
      server = started;
      if (stopping) return await server.stop();
      if (server.connectionString !== connectionString) throw movedAway(directory);
    }
  }

  /** @returns undefined when the server is stopped meanwhile */
  async function startAgain(pause: number): Promise<EmbeddedPostgres | undefined> {
    for (; !stopping; pause = Math.min(2 * pause, longestPause)) {
      try {
        return await startEmbeddedPostgres({ directory });
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.error({ reason: error.reason }, 'the database does not start, and is tried again');
      }
      await setTimeout(pause, undefined, { ref: false });
    }
    return undefined;
  }

  return {
    connectionString,
    keep() {
      ours = true;
      watch().catch(fail);
    },
    leave() {
      ours = false;
    },
    async stop() {
      stopping = true;
      if (ours) await server.stop();
    },
  };
}

const movedAway = (directory: string): Unavailable =>
  new Unavailable({
    reason: `the socket of the database in ${directory} has moved`,
    advice: 'Start the server again.',
  });
