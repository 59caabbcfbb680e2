import { collectDefaultMetrics, Registry } from 'prom-client';

/** The histogram of delays of the event loop would wake an idle process a hundred times a second. */
const eventLoopMonitoringPrecision = 1000;

/** A registry with what every process tells of itself: its memory, its CPU time, its event loop. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision });
  return registry;
}
