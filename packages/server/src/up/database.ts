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

/** A database that dies this often in a row is given up. */
const maxRestarts = 5;
const restartPause = 1000;

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

  /** Starts the database again when it ends by itself. */
  async function watch(): Promise<void> {
    for (let restarts = 0; restarts < maxRestarts; restarts++) {
      const startedAt = Date.now();
      const lastWords = await server.exited;
      if (stopping) return;
      log.error({ lastWords }, 'the database ended by itself and is started again');
      if (Date.now() - startedAt > 60_000) restarts = 0;
      await setTimeout(restarts * restartPause, undefined, { ref: false });
      if (stopping) return;
      server = await startEmbeddedPostgres({ directory });
      if (stopping) return await server.stop();
      if (server.connectionString !== connectionString) break;
    }
    throw new Unavailable({
      reason: 'the database ends again and again',
      advice: `Its log in ${directory} tells why.`,
    });
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
