import type { LoopObserver } from '@knitfab/engine';
import type { EventFeed, Store } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { Gauge } from 'prom-client';
import { version } from '../version.ts';
import { observeDatabase } from './database-metrics.ts';
import { observeRequests } from './http-metrics.ts';
import { loopMetrics } from './loop-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { observeTransfers } from './transfer-metrics.ts';

/** What this process counts, for Prometheus (docs/metrics.md). Each process makes its own. */
export interface Metrics {
  /** Counts the engine's steps, where the engine runs in this process. */
  readonly loops: LoopObserver;
  /** Counts what the Web API does. */
  observe(app: FastifyInstance, feed: EventFeed): void;
  /** All metrics as text, and its media type. */
  read(): Promise<{ text: string; contentType: string }>;
}

/** @param registry has the process's own metrics; made here when left out */
export function createMetrics(
  store: Store,
  { driver }: { driver: string },
  registry = processMetrics(),
): Metrics {
  const registers = [registry];
  new Gauge({
    name: 'knit_build_info',
    help: 'Version and driver of this server; always 1',
    labelNames: ['version', 'driver'],
    registers,
  }).set({ version, driver }, 1);
  observeDatabase(store, registers);
  return {
    loops: loopMetrics(registers),
    observe(app, feed) {
      observeRequests(app, registers);
      observeTransfers(app, registers);
      new Gauge({
        name: 'knit_event_readers',
        help: 'Readers of /api/events that are connected',
        registers,
        collect() {
          this.set(feed.readers);
        },
      });
    },
    async read() {
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
