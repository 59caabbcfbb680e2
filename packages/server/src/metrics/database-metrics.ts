import { setTimeout } from 'node:timers/promises';
import { visibleRunStatuses } from '@knitfab/core';
import { queues, runCounts, type Store, snapshot } from '@knitfab/store';
import { Gauge, type Registry } from 'prom-client';

/** A scrape that comes sooner gets what the one before got. */
const freshMilliseconds = 1000;

/** Prometheus gives a scrape 10 s: a database that does not answer must not cost the metrics of the process. */
const patienceMilliseconds = 3000;

/** Tells what the database says when metrics are read, and asks it only then: whatever process does the work. */
export function observeDatabase(store: Store, registers: Registry[]): void {
  new DatabaseMetrics(store, registers);
}

class DatabaseMetrics {
  readonly #store: Store;
  readonly #up: Gauge;
  readonly #runs: Gauge;
  readonly #waiting: Gauge;
  readonly #oldest: Gauge;
  readonly #garbage: Gauge;
  #refreshing: Promise<void> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store, registers: Registry[]) {
    this.#store = store;
    // Each waits for the same answer.
    const collect = () => this.#refreshed();
    this.#up = new Gauge({
      name: 'knit_database_up',
      help: 'Whether the database answers: 1, or 0, and then what it would tell is missing',
      registers,
      collect,
    });
    this.#runs = new Gauge({
      name: 'knit_runs',
      help: 'Runs in each status',
      labelNames: ['status'],
      registers,
      collect,
    });
    this.#waiting = new Gauge({
      name: 'knit_loop_waiting_rows',
      help: 'Rows that wait for a loop, counted up to 100,000',
      labelNames: ['loop'],
      registers,
      collect,
    });
    this.#oldest = new Gauge({
      name: 'knit_loop_oldest_waiting_seconds',
      help: 'How long the oldest row has been waiting for a loop; 0 when none waits',
      labelNames: ['loop'],
      registers,
      collect,
    });
    this.#garbage = new Gauge({
      name: 'knit_garbage_volumes',
      help: 'Volumes of deleted Data that are to be destroyed, counted up to 100,000',
      registers,
      collect,
    });
  }

  /** Asks the database, once for all who ask at the same time. */
  #refreshed(): Promise<void> {
    if (performance.now() - this.#refreshedAt < freshMilliseconds) return Promise.resolve();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#refreshedAt = performance.now();
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const asked = snapshot(this.#store.db, async (tx) => ({
      runs: await runCounts(tx),
      queues: await queues(tx),
    })).catch(() => undefined);
    const told = await Promise.race([asked, setTimeout(patienceMilliseconds, undefined, { ref: false })]);
    this.#up.set(told === undefined ? 0 : 1);
    for (const gauge of [this.#runs, this.#waiting, this.#oldest]) gauge.reset();
    this.#garbage.remove();
    if (told === undefined) return;
    for (const status of visibleRunStatuses) this.#runs.set({ status }, told.runs.get(status) ?? 0);
    for (const [loop, { rows, since }] of Object.entries(told.queues)) {
      this.#waiting.set({ loop }, rows);
      const seconds = since === undefined ? 0 : Math.max(0, (Date.now() - since.getTime()) / 1000);
      // It is not known of every loop since when its rows wait.
      if (since !== undefined || rows === 0) this.#oldest.set({ loop }, seconds);
    }
    this.#garbage.set(told.queues['garbage-collection'].rows);
  }
}
