import type { LoopObserver } from '@knitfab/engine';
import { Counter, Histogram, type Registry } from 'prom-client';

/** Counts the steps of the engine's loops. */
export function loopMetrics(registers: Registry[]): LoopObserver {
  const rows = new Counter({
    name: 'knit_loop_rows_total',
    help: 'Rows that a loop has worked on: done, or failed and tried again',
    labelNames: ['loop', 'outcome'],
    registers,
  });
  const failures = new Counter({
    name: 'knit_loop_step_failures_total',
    help: 'Steps of a loop that failed as a whole and are tried again',
    labelNames: ['loop'],
    registers,
  });
  const seconds = new Histogram({
    name: 'knit_loop_step_seconds',
    help: 'How long the steps of a loop took, those that found nothing to do included',
    labelNames: ['loop'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  return {
    stepped(loop, duration, step) {
      seconds.observe({ loop }, duration);
      if (step === undefined) failures.inc({ loop });
      rows.inc({ loop, outcome: 'done' }, step?.done ?? 0);
      rows.inc({ loop, outcome: 'failed' }, step?.failed ?? 0);
    },
  };
}
