import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalDrivers, type LocalDrivers } from '@knitfab/drivers';

import { openStore, type Store } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { freshDatabase } from '../../store/test/database.ts';
import { createKnitd, createKnitdBackend, ImportTokens, localBackend, remoteBackend } from '../src/index.ts';
import { Wire } from './wire.ts';

export const importKey = new TextEncoder().encode('a key of thirty-two bytes or more');

/** knitd and knitd-backend as on a cluster, with nothing but HTTP between them; volumes are directories of this machine. */
export class TwoProcesses {
  readonly store: Store;
  readonly drivers: LocalDrivers;
  readonly directory: string;
  readonly imports = new ImportTokens(importKey);
  readonly #log = pino({ level: 'silent' });
  #knitd: FastifyInstance | undefined;
  #backend: FastifyInstance | undefined;
  #port = 0;

  constructor(store: Store, drivers: LocalDrivers, directory: string) {
    this.store = store;
    this.drivers = drivers;
    this.directory = directory;
  }

  static async start(): Promise<TwoProcesses> {
    const directory = await mkdtemp(join(tmpdir(), 'knit-two-'));
    const drivers = await createLocalDrivers({ directory: join(directory, 'driver') });
    const both = new TwoProcesses(
      openStore({ connectionString: await freshDatabase() }, 8),
      drivers,
      directory,
    );
    await both.startBackend();
    const backend = remoteBackend(`http://127.0.0.1:${both.#port}`, {
      driver: 'kubernetes',
      checkPlan: (plan) => drivers.workers.check(plan),
      checkResources() {},
    });
    both.#knitd = createKnitd({ store: both.store, backend, log: both.#log });
    await both.#knitd.listen({ port: 0, host: '127.0.0.1' });
    return both;
  }

  /** The public API. */
  get knitd(): Wire {
    return new Wire(`http://127.0.0.1:${portOf(this.#knitd)}/api`);
  }

  /** The internal one. */
  get backend(): Wire {
    return new Wire(`http://127.0.0.1:${this.#port}/api`);
  }

  get backendServer(): FastifyInstance['server'] {
    if (this.#backend === undefined) throw new Error('it is not up');
    return this.#backend.server;
  }

  async startBackend(): Promise<void> {
    const { store, drivers, imports } = this;
    this.#backend = createKnitdBackend({
      store,
      drivers,
      backend: localBackend('kubernetes', store, drivers),
      agentHome: { handle: (_request, response) => response.writeHead(401).end() },
      imports,
      log: this.#log,
    });
    await this.#backend.listen({ port: this.#port, host: '127.0.0.1' });
    this.#port = portOf(this.#backend);
  }

  /** As a process that is killed: its connections break at once. */
  async killBackend(): Promise<void> {
    const closed = this.#backend?.close();
    this.#backend?.server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killBackend();
    await this.#knitd?.close();
    await this.drivers.close();
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

const portOf = (app: FastifyInstance | undefined): number =>
  (app?.server.address() as AddressInfo | null | undefined)?.port ?? 0;
