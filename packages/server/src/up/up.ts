import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Conflict, Unavailable } from '@knitfab/core';
import { type Engine, type MachineDriverName, openMachineDrivers } from '@knitfab/drivers';
import { runEngine } from '@knitfab/engine';
import { openStore } from '@knitfab/store';
import { pino } from 'pino';
import { localBackend } from '../backend.ts';
import { createKnitd } from '../knitd.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { openDataDirectory } from './data-directory.ts';
import { openDatabase } from './database.ts';
import { type Hold, hold } from './hold.ts';
import { Stack } from './stack.ts';

export interface UpOptions {
  dataDirectory: string;
  /** 0 for any free one. */
  port: number;
  host: string;
  /** A database of one's own in place of the embedded one. */
  databaseUrl?: string;
  /** Where Runs are executed; `auto` when left out. */
  driver?: MachineDriverName;
  /** The network of containers: `none`, or the name of one of the engine's; the engine's default when left out. */
  containerNetwork?: string;
  /** Least severe messages to log: pino's levels. */
  logLevel?: string;
}

/** A server that is up. */
export interface Up {
  /** `http://HOST:PORT` */
  readonly address: string;
  /** The container engine in use, such as `Podman 4.3.1 at unix:///run/podman/podman.sock`. */
  readonly engine: string | undefined;
  /** Rejects when the server can't go on. */
  readonly failed: Promise<never>;
  /** Stops everything but the workers, which a later `up` finds again. */
  stop(): Promise<void>;
}

/** Connections that the engine has for itself, at least one for each loop: however busy the web API is, Runs go on. */
const engineConnections = 12;

/** How long requests that are under way may go on when the server stops. */
const graceMilliseconds = 2000;

/**
 * Server, engine, database and drivers in one process, with all state in one directory (architecture, "one machine").
 * @throws {Conflict} when another process holds the directory, or a newer version made it
 * @throws {Unavailable} when the directory, the database, the port, or a container engine that is needed can't be had
 */
export async function up(options: UpOptions): Promise<Up> {
  const log = pino({ level: options.logLevel ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
  const stack = new Stack((details, message) => log.warn(details, message));
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {});
  try {
    const directory = await openDataDirectory(options.dataDirectory);
    const database = await openDatabase(directory, options.databaseUrl, { log, fail });
    let held: Hold | undefined;
    stack.push('database', async () => {
      // Held until the database has stopped: whoever takes the directory next must not find it half stopped.
      held?.expectEnd();
      await database.stop();
      await held?.release();
    });
    const store = openStore({ connectionString: database.connectionString });
    stack.push('connections', () => store.close());
    held = await hold(directory, store).catch((error) => {
      if (error instanceof Conflict) database.leave();
      throw error;
    });
    database.keep();
    await store.migrate();
    const { driver = 'auto', containerNetwork } = options;
    const drivers = await openMachineDrivers({
      directory: directory.local,
      containers: directory.containers,
      hidden: [directory.path],
      driver,
      ...(containerNetwork !== undefined && { containerNetwork }),
    });
    stack.push('drivers', () => drivers.close());

    const stopping = new AbortController();
    const backend = localBackend(drivers.engine === undefined ? 'local' : 'docker', store, drivers);
    const metrics = createMetrics(store, backend);
    const ownStore = openStore({ connectionString: database.connectionString }, engineConnections);
    stack.push('connections of the engine', () => ownStore.close());
    const engine = runEngine({ store: ownStore, drivers, log, observer: metrics.loops }, stopping.signal);
    engine.catch(fail);
    stack.push('engine', async () => {
      stopping.abort();
      await engine.catch(() => {});
    });

    const app = createKnitd({ store, backend, log, metrics });
    stack.push('web API', async () => {
      const closed = app.close();
      await Promise.race([closed, setTimeout(graceMilliseconds, undefined, { ref: false })]);
      app.server.closeAllConnections();
      await closed;
    });
    const address = await listen(app, options);
    await held.announce({ pid: process.pid, address });
    void held.lost.then(() => fail(new Unavailable('another server has taken the database')));
    return {
      address,
      engine: drivers.engine && engineInWords(drivers.engine),
      failed,
      stop: () => stack.unwind(),
    };
  } catch (error) {
    await stack.unwind();
    throw error;
  }
}

const engineInWords = ({ title, address }: Engine): string => `${title} at ${address.name}`;

async function listen(app: ReturnType<typeof createKnitd>, { port, host }: UpOptions): Promise<string> {
  try {
    await app.listen({ port, host });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EADDRINUSE: `the port ${port} on ${host} is in use by another program`,
      EACCES: `the port ${port} may only be opened by root`,
      EADDRNOTAVAIL: `${host} is no address of this machine`,
      ENOTFOUND: `there is no host ${host}`,
    };
    throw new Unavailable({
      reason: reasons[code ?? ''] ?? `the server can't listen on ${host}:${port}: ${message}`,
      advice: 'Choose another with --port N (0: any free one) or --host ADDR.',
      cause,
    });
  }
  const bound = app.server.address() as AddressInfo;
  return `http://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
