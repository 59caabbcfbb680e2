import { setTimeout as sleep } from 'node:timers/promises';
import { Invalid, parseQuantity } from '@knitfab/core';
import { GrowingVolumes } from '@knitfab/drivers/kubernetes/volume-growth';
import { processMetrics } from '@knitfab/server/process-metrics';
import { Counter } from 'prom-client';
import type { ComponentOptions } from '../component.ts';
import { readConfiguration } from '../configuration.ts';
import { serveHealth } from '../health.ts';
import { openLog } from '../log.ts';

/** Kubelet measures volumes about once a minute. */
const pauseMilliseconds = 30_000;

/** Lets volumes grow that run full on this node; it needs no database. */
export async function runVex({ configurationFile, metricsPort: port }: ComponentOptions): Promise<void> {
  const { namespace, log: options } = await readConfiguration(configurationFile);
  const log = openLog('vex', options.level);
  const registry = processMetrics();
  const name = 'knit_volumes_grown_total';
  const grown = new Counter({ name, help: 'Volumes that were asked to grow', registers: [registry] });
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGTERM', end).once('SIGINT', end);
  const volumes = GrowingVolumes.atNode(setting('NODE_ADDRESS'), {
    namespace,
    limits: {
      fullPercent: parseQuantity(setting('VEX_FULL_PERCENT')),
      growPercent: parseQuantity(setting('VEX_GROW_PERCENT')),
      maximumBytes: parseQuantity(setting('VEX_MAXIMUM_SIZE')),
    },
    log,
  });
  let isReady = false;
  const health = await serveHealth({ registry, isReady: () => isReady, ...(port !== undefined && { port }) });
  try {
    while (!ending.signal.aborted) {
      try {
        for (const volume of await volumes.growFullOnes()) {
          grown.inc();
          log.info(volume, 'a volume runs full: it is to grow');
        }
        isReady = true;
      } catch (error) {
        isReady = false;
        log.warn({ err: error }, 'the volumes of this node can not be looked at; trying again');
      }
      await sleep(pauseMilliseconds, undefined, { signal: ending.signal }).catch(() => {});
    }
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end);
    await health.close();
    volumes.close();
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Invalid(`${name} should be set`);
  return value;
}
