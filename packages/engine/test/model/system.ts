import { setTimeout } from 'node:timers/promises';
import type { KnitId, PlanId, RunId, RunStatus } from '@knitfab/core';
import {
  changePlanScheduling,
  changeSystemLimits,
  openStore,
  resumeSystem,
  type Store,
  transaction,
} from '@knitfab/store';
import { sql } from 'kysely';
import { engineLoops } from '../../src/engine.ts';
import { initializeLoop } from '../../src/initialize.ts';
import type { Loop, Step } from '../../src/loop.ts';
import { nominationLoop } from '../../src/nomination.ts';
import { WorkerObserver } from '../../src/run-management/observe-workers.ts';
import { recordChanges } from './recorded-changes.ts';
import { InjectedFailure, ScriptedDrivers } from './scripted-drivers.ts';

/** In which one run of the test goes on. */
export interface Conditions {
  /** Cores of the machine; Runs wait for room only where this is given. */
  cpu?: number;
  /** How many Runs are kept ready where room is scarce. */
  ahead: number;
  /** Of the system. */
  maxRunning?: number;
  inactiveAbove: number;
  /** How many Data a new Plan looks at in one piece. */
  pieceSize: number;
  /** Workers that are pending when they are looked at are given up. */
  impatient: boolean;
}

/** A push whose bytes are still coming. */
export interface OpenUpload {
  /** Lets it come to its end. */
  end(): void;
  knitId: Promise<KnitId | undefined>;
}

export interface RunRow {
  runId: RunId;
  planId: PlanId;
  status: RunStatus;
  /** Null for an upload. */
  combination: KnitId[] | null;
}

/** How many rounds the limits hold while all comes to rest, how many may pass without any change, and how many there may be. */
const rounds = { limited: 10, idle: 8, most: 1000 };

/** For longer than that, no worker that could not be looked at is left alone. */
const longestPauseMilliseconds = 5000;

/** A database whose transactions are rolled back at their end, as if the process had been killed there. */
function dyingBeforeCommit(db: Store['db']): Store['db'] {
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'transaction') return Reflect.get(target, name, target);
      return () => ({
        execute: (work: (tx: never) => Promise<unknown>) =>
          target.transaction().execute(async (tx) => {
            await work(tx as never);
            throw new Error('killed before the commit');
          }),
      });
    },
  });
}

/** A database whose transactions take a while to commit, while it is told to: so that those of others fall in between. */
function lingeringBeforeCommit(db: Store['db'], lingering: () => number): Store['db'] {
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'transaction' || lingering() === 0) {
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return () => ({
        execute: <Result>(work: (tx: never) => Promise<Result>) =>
          target.transaction().execute(async (tx) => {
            const result = await work(tx as never);
            await setTimeout(lingering());
            return result;
          }),
      });
    },
  });
}

/** What is tested: a database, the outside world, and two copies of every loop. */
export class System {
  readonly store: Store;
  readonly drivers: ScriptedDrivers;
  readonly uploads: OpenUpload[] = [];
  readonly pieceSize: number;
  loops: Loop[] = [];
  /** Loops that die before they commit: what they have done to volumes and workers stays. */
  readonly dyingLoops: Loop[];
  #conditions: Conditions;
  #lingerMilliseconds = 0;
  /** By the clock of those that look at workers. */
  #milliseconds = 0;
  readonly #capacity: { cpu: number; memory: number } | undefined;

  private constructor(connectionString: string, conditions: Conditions) {
    this.#conditions = conditions;
    this.pieceSize = conditions.pieceSize;
    this.#capacity =
      conditions.cpu === undefined ? undefined : { cpu: conditions.cpu, memory: Number.MAX_SAFE_INTEGER };
    const store = openStore({ connectionString });
    this.store = { ...store, db: lingeringBeforeCommit(store.db, () => this.#lingerMilliseconds) };
    this.drivers = new ScriptedDrivers(this.#capacity);
    this.dyingLoops = this.#copy({ ...this.store, db: dyingBeforeCommit(this.store.db) });
    this.restart();
  }

  static async start(connectionString: string, conditions: Conditions): Promise<System> {
    const system = new System(connectionString, conditions);
    const { maxRunning = null, inactiveAbove, cpu } = conditions;
    await recordChanges(system.store.db, cpu);
    await transaction(system.store.db, (tx) => changeSystemLimits(tx, { maxRunning, inactiveAbove }));
    return system;
  }

  #copy(store: Store): Loop[] {
    const { impatient, ahead, pieceSize } = this.#conditions;
    const { drivers } = this;
    const observer = new WorkerObserver(store, drivers, {
      now: () => this.#milliseconds,
      ...(impatient && { startDeadlineMilliseconds: 0 }),
    });
    const own = [nominationLoop(store, pieceSize), initializeLoop(store, drivers, ahead), observer];
    const ownByName = new Map<string, Loop>(own.map((loop) => [loop.name, loop]));
    return engineLoops({ store, drivers }).map((loop) => ownByName.get(loop.name) ?? loop);
  }

  /** Two new copies of every loop, that know nothing of what was before. */
  restart(): void {
    this.loops = [...this.#copy(this.store), ...this.#copy(this.store)];
    const observers = [...this.loops, ...this.dyingLoops].filter((loop) => loop instanceof WorkerObserver);
    this.drivers.tellOnly(observers.map((observer) => (name: string) => observer.noteChange(name)));
  }

  /** Lets transactions linger before they commit while the work is done. */
  async lingering<Result>(milliseconds: number, work: () => Promise<Result>): Promise<Result> {
    this.#lingerMilliseconds = milliseconds;
    try {
      return await work();
    } finally {
      this.#lingerMilliseconds = 0;
    }
  }

  /** Steps of some loops, each so many times, all loops at once. */
  async step(which: readonly number[], times = 1): Promise<boolean> {
    const loops = [...new Set(which.map((index) => this.loops[index % this.loops.length] as Loop))];
    const steps = await Promise.all(
      loops.map(async (loop) => {
        for (let left = times; left > 1; left--) await stepOf(loop);
        return await stepOf(loop);
      }),
    );
    return steps.some(({ more }) => more);
  }

  /** Lets time pass for whatever backs off, and for whoever said that it is alive. */
  async passTime(): Promise<void> {
    await sql`update run set next_attempt_at = clock_timestamp() where next_attempt_at > clock_timestamp()`.execute(
      this.store.db,
    );
    await sql`update garbage set next_attempt_at = '-infinity'`.execute(this.store.db);
    await sql`update spare_volume set next_attempt_at = '-infinity'`.execute(this.store.db);
    this.#milliseconds += longestPauseMilliseconds;
  }

  /** Nobody prolongs the uploads that are under way now. */
  async endLeases(): Promise<void> {
    await sql`update run set lease_until = clock_timestamp() - interval '1 second' where status = 'running' and lease_until is not null`.execute(
      this.store.db,
    );
  }

  /** All workers end well, and the loops go on until nothing is left to do. Calls that are still to fail do so on the way. */
  async settle(): Promise<void> {
    const { drivers } = this;
    await transaction(this.store.db, resumeSystem);
    await this.endLeases();
    await this.#settleOthers();
    drivers.brokenImages.clear();
    await this.#go((row) => row.unfinished === 0 && drivers.existing.length === 0);
  }

  /** Runs that can never start keep no others from being run. */
  async #settleOthers(): Promise<void> {
    if (this.drivers.brokenImages.size > 0) await this.#go((row) => row.startable === 0);
  }

  async #go(isOver: (row: { unfinished: number; startable: number }) => boolean): Promise<void> {
    let seen = '';
    for (let round = 0, quiet = 0, idle = 0; quiet < 3; round++) {
      if (round === rounds.limited && this.drivers.brokenImages.size === 0) await this.#liftLimits();
      await this.passTime();
      for (const worker of this.drivers.inPhase('pending', 'running')) this.drivers.end(worker, 0);
      const busy = await this.step(this.loops.keys().toArray());
      const row = await this.#progress();
      quiet = (busy && this.drivers.brokenImages.size === 0) || !isOver(row) ? 0 : quiet + 1;
      idle = row.changes === seen ? idle + 1 : 0;
      seen = row.changes;
      if (quiet === 0 && (idle > rounds.idle || round > rounds.most))
        throw new Error(
          `it does not come to rest: ${row.statuses}, workers: ${this.drivers.existing.length}`,
        );
    }
  }

  async #progress() {
    const { rows } = await sql<{ unfinished: number; startable: number; changes: string; statuses: string }>`
      with unfinished as (
        select status, coalesce(image_repository || ':' || image_tag = any (${[...this.drivers.brokenImages]}::text[]), false) as broken
        from run join plan using (plan_id)
        where status in ('waiting', 'ready', 'starting', 'running', 'completing', 'aborting'))
      select (select count(*)::int from unfinished) as unfinished,
             (select count(*)::int from unfinished where not broken) as startable,
             (select concat(count(*), ' ', (select count(*) from run), ' ', (select count(*) from nomination where projected),
                            ' ', (select coalesce(sum(pieces), 0) from nomination_backlog)) from status_change) as changes,
             (select coalesce(string_agg(distinct status, ', '), 'all is finished') from unfinished) as statuses`.execute(
      this.store.db,
    );
    return rows[0] as { unfinished: number; startable: number; changes: string; statuses: string };
  }

  /** That one limit after the other lets Runs through is seen by then: the rest goes faster without, with copies that know of none. */
  async #liftLimits(): Promise<void> {
    this.#conditions = { ...this.#conditions, ahead: 100 };
    this.restart();
    if (this.#capacity) this.#capacity.cpu = Number.MAX_SAFE_INTEGER;
    await sql`update capacity set cpu = null`.execute(this.store.db);
    const { rows } = await sql<{
      planId: PlanId;
    }>`select plan_id as "planId" from plan where name is null`.execute(this.store.db);
    await transaction(this.store.db, async (tx) => {
      await changeSystemLimits(tx, { maxRunning: null });
      for (const { planId } of rows) await changePlanScheduling(tx, planId, { max_running: null });
    });
  }

  async runs(): Promise<RunRow[]> {
    const { rows } = await sql<RunRow>`
      select run_id as "runId", plan_id as "planId", status, combination from run order by run_id`.execute(
      this.store.db,
    );
    return rows;
  }

  async close(): Promise<void> {
    for (const upload of this.uploads) upload.end();
    await Promise.all(this.uploads.map((upload) => upload.knitId));
    await this.store.close();
  }
}

/** An injected failure fails its row, not the step; without a list of the workers there are no rows. */
async function stepOf(loop: Loop): Promise<Step> {
  try {
    return await loop.step();
  } catch (error) {
    const isUnlisted = error instanceof InjectedFailure && error.call === 'list';
    if (isUnlisted && loop.name === 'housekeeping') return { more: false };
    throw error;
  }
}
