import { dirname } from 'node:path';
import { processMetrics } from '@knitfab/server/process-metrics';
import { openStore, type Store } from '@knitfab/store';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { awaitSchema } from './await-schema.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { serveHealth } from './health.ts';
import { openLog } from './log.ts';
import { version } from './version.ts';

/** What a component is started with. */
export interface ComponentOptions {
  readonly configurationFile: string;
  /** Where its Web API listens, for those that have one; 0 for any free one. */
  readonly port?: number;
  /** Where its health and metrics are; 9090 when left out, 0 for any free one. */
  readonly metricsPort?: number;
}

/** What every component has: its settings, the database, and its end. */
export interface Surroundings {
  readonly configuration: Configuration;
  /** The directory of the configuration, which has those of secrets in it. */
  readonly directory: string;
  readonly store: Store;
  readonly log: Logger;
  readonly registry: Registry;
  /** Aborts when the component is told to end. */
  readonly ending: AbortSignal;
  /** Says that the component does its work from now on, with what its log should tell of that. */
  ready(details?: object): void;
}

/** How long a component that has been told to end may take for that. */
const graceMilliseconds = 20_000;

/**
 * Runs a component from its start to its end: it is healthy at once, ready when `work` says so, and ends on SIGTERM or SIGINT.
 * @param connections how many the database should have at most, beside one for listening
 * @param work resolves when the component has ended; it is told to by `ending`
 * @throws {Invalid} for a bad configuration
 */
export async function runComponent(
  name: string,
  connections: number,
  { configurationFile, metricsPort }: ComponentOptions,
  work: (surroundings: Surroundings) => Promise<void>,
): Promise<void> {
  const configuration = await readConfiguration(configurationFile);
  const log = openLog(name, configuration.log.level);
  const registry = openRegistry(name);
  const store = openStore({ application_name: `knitfab ${name}` }, connections);
  const ending = new AbortController();
  let isReady = false;
  const isInWork = () => isReady && !ending.signal.aborted;
  const health = await serveHealth({
    registry,
    isReady: isInWork,
    ...(metricsPort !== undefined && { port: metricsPort }),
  });
  const end = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'ending');
    ending.abort();
    setTimeout(giveUp, graceMilliseconds, log).unref();
  };
  process.once('SIGTERM', end).once('SIGINT', end);
  try {
    await awaitSchema(store, log, ending.signal);
    if (ending.signal.aborted) return;
    const ready = (details?: object) => {
      isReady = true;
      log.info({ version, metricsPort: health.port, ...details }, 'ready');
    };
    const directory = dirname(configurationFile);
    await work({ configuration, directory, store, log, registry, ending: ending.signal, ready });
    log.info('ended');
  } catch (error) {
    log.fatal({ err: error }, 'the component can not go on');
    process.exitCode = 1;
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end);
    await health.close();
    await store.close();
  }
}

function giveUp(log: Logger): void {
  log.warn('the present step did not end in time; another copy takes it up');
  process.exit(1);
}

function openRegistry(component: string): Registry {
  const registry = processMetrics();
  new Gauge({
    name: 'knit_component_info',
    help: 'Name and version of this component; always 1',
    labelNames: ['component', 'version'],
    registers: [registry],
  }).set({ component, version }, 1);
  return registry;
}
