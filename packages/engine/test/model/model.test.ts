import {
  definePlan,
  type KnitId,
  type PlanId,
  parseTag,
  type RunId,
  type RunStatus,
  transitions,
} from '@knitfab/core';
import {
  abortRun,
  beginUpload,
  changeDataTags,
  completeUpload,
  deleteRun,
  invariants,
  openStore,
  registerPlan,
  retryRun,
  type Store,
  setPlanActive,
  snapshot,
  stopRun,
  transaction,
} from '@knitfab/store';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { freshDatabase } from '../../../store/test/database.ts';
import { engineLoops } from '../../src/engine.ts';
import type { Loop } from '../../src/loop.ts';
import { WorkerObserver } from '../../src/run-management/observe-workers.ts';
import { combinationOf, Model } from './model.ts';
import { ScriptedDrivers } from './scripted-drivers.ts';

// Users do anything, in any order, while two copies of every loop take steps at the same time, calls to the outside fail and
// workers end as they like. Once all is at rest, the Runs must be those that the model names, and nothing of what must hold
// may be broken.

/** Tags by layer: what a Plan makes has a tag of the next layer, so that no Plan feeds itself. */
const tagsOfLayer = (layer: number): string[] => ['a', 'b'].map((name) => `layer${layer}:${name}`);
const pushedTags = tagsOfLayer(0);

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

class System {
  readonly store: Store;
  readonly drivers = new ScriptedDrivers();
  loops: Loop[] = [];
  /** Loops that die before they commit: what they have done to volumes and workers stays. */
  readonly dyingLoops: ReturnType<typeof engineLoops>;

  constructor(connectionString: string) {
    this.store = openStore({ connectionString });
    this.dyingLoops = engineLoops({
      ...this,
      store: { ...this.store, db: dyingBeforeCommit(this.store.db) },
    });
    this.restart();
  }

  /** Two new copies of every loop, that know nothing of what was before. */
  restart(): void {
    const copies = [engineLoops(this), engineLoops(this)] as const;
    this.drivers.tellOnly(
      [...copies, this.dyingLoops].flatMap((loops) =>
        loops
          .filter((loop) => loop instanceof WorkerObserver)
          .map((observer) => (name: string) => observer.noteChange(name)),
      ),
    );
    this.loops = copies.flat();
  }

  /** Keeps every change of a Run's status. */
  async recordStatuses(): Promise<void> {
    await sql
      .raw(`
      create table status_change (was text, now text);
      create function record_status() returns trigger language plpgsql as $$
        begin
          if new.status <> old.status then insert into status_change values (old.status, new.status); end if;
          return null;
        end $$;
      create trigger record_status after update on run for each row execute function record_status();`)
      .execute(this.store.db);
  }

  /** Steps of some loops, all at once. Failures that are injected fail the row, not the step. */
  async step(which: readonly number[]): Promise<boolean> {
    const loops = [...new Set(which.map((index) => this.loops[index % this.loops.length] as Loop))];
    const steps = await Promise.all(loops.map((loop) => loop.step()));
    return steps.some(({ more }) => more);
  }

  /** Lets time pass for whatever backs off. */
  async passTime(): Promise<void> {
    await sql`update run set next_attempt_at = '-infinity' where next_attempt_at > '-infinity'`.execute(
      this.store.db,
    );
    await sql`update garbage set next_attempt_at = '-infinity'`.execute(this.store.db);
  }

  /** All workers end well, and the loops go on until nothing is left to do. */
  async settle(): Promise<void> {
    this.drivers.failures = 0;
    for (let quiet = 0; quiet < 3; ) {
      await this.passTime();
      for (const worker of this.drivers.running) this.drivers.end(worker, 0);
      const busy = await this.step(this.loops.map((_, index) => index));
      const { rows } = await sql`
        select from run where status in ('waiting', 'ready', 'starting', 'running', 'completing', 'aborting') limit 1`.execute(
        this.store.db,
      );
      quiet = busy || rows.length > 0 || this.drivers.running.length > 0 ? 0 : quiet + 1;
    }
  }

  async runs(): Promise<{ runId: RunId; planId: PlanId; status: RunStatus; combination: KnitId[] }[]> {
    const { rows } = await sql<{ runId: RunId; planId: PlanId; status: RunStatus; combination: KnitId[] }>`
      select run_id as "runId", plan_id as "planId", status, combination from run where combination is not null
      order by run_id`.execute(this.store.db);
    return rows;
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

type Action = fc.AsyncCommand<Model, System>;
const action = (name: string, run: (model: Model, system: System) => Promise<void>): Action => ({
  check: () => true,
  run,
  toString: () => name,
});

const some = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[index % Math.max(1, items.length)];
const subset = (tags: string[]) => fc.subarray(tags, { minLength: 1 });

const push = subset(pushedTags).map((tags) =>
  action(`push ${tags}`, async (model, { store }) => {
    const upload = await transaction(store.db, beginUpload);
    await transaction(store.db, (tx) => completeUpload(tx, upload));
    const add = tags.map(parseTag);
    await transaction(store.db, (tx) =>
      changeDataTags(tx, upload.knitId, { add, remove: [], removeKeys: [] }),
    );
    model.addData(upload.knitId, add);
  }),
);

const changeTags = fc
  .record({ which: fc.nat(), add: fc.subarray(pushedTags), remove: fc.subarray(pushedTags) })
  .map(({ which, add, remove }) =>
    action(`tag #${which} +${add} -${remove}`, async (model, { store }) => {
      const knitId = some([...model.data.keys()], which);
      if (knitId === undefined) return;
      const change = { add: add.map(parseTag), remove: remove.map(parseTag) };
      await transaction(store.db, (tx) => changeDataTags(tx, knitId, { ...change, removeKeys: [] }));
      model.changeTags(knitId, change);
    }),
  );

const registration = fc
  .record({
    layer: fc.nat(1),
    inputs: fc.array(fc.nat(1), { minLength: 1, maxLength: 2 }),
    second: fc.boolean(),
    active: fc.boolean(),
    error: fc.nat(1),
  })
  .map(({ layer, inputs, second, active, error }) =>
    action(`plan of layer ${layer} with ${inputs}`, async (model, { store }) => {
      const names = tagsOfLayer(layer).map(parseTag);
      const points = inputs.map((index, position) => ({
        path: `/in${position}`,
        tags: second && position === 0 ? names : names.slice(index, index + 1),
      }));
      const plan = definePlan({
        image: `plan:v${model.plans.size}`,
        inputs: points,
        outputs: [
          {
            path: '/out',
            tags: tagsOfLayer(layer + 1)
              .slice(inputs[0])
              .map(parseTag),
          },
        ],
        active,
        max_running: 2,
        retry: { error, backoff: '1ms' },
      });
      const planId = await transaction(store.db, (tx) => registerPlan(tx, plan));
      model.addPlan(
        planId,
        points.map((point) => point.tags),
      );
    }),
  );

const activation = fc.record({ which: fc.nat(), active: fc.boolean() }).map(({ which, active }) =>
  action(`${active ? 'activate' : 'deactivate'} plan #${which}`, async (model, { store }) => {
    const planId = some([...model.plans.keys()], which);
    if (planId !== undefined) await transaction(store.db, (tx) => setPlanActive(tx, planId, active));
  }),
);

const requests = { stop: stopRun, abort: abortRun, retry: retryRun, delete: deleteRun };
const request = fc
  .record({ which: fc.nat(), what: fc.constantFrom(...(Object.keys(requests) as (keyof typeof requests)[])) })
  .map(({ which, what }) =>
    action(`${what} run #${which}`, async (model, system) => {
      const run = some(await system.runs(), which);
      if (run === undefined) return;
      // A state that does not allow it refuses it: that is the business of other tests.
      await transaction(system.store.db, (tx) => requests[what](tx, run.runId)).catch(() => {});
      await forgetOutputs(model, system);
    }),
  );

const stepping = fc
  .array(fc.nat(30), { minLength: 1, maxLength: 20 })
  .map((which) => action(`step ${which}`, async (_model, system) => void (await system.step(which))));

const ending = fc
  .record({ which: fc.nat(), code: fc.constantFrom(0, 0, 1, 'lost' as const) })
  .map(({ which, code }) =>
    action(`worker #${which} ends with ${code}`, async (_model, { drivers }) => {
      const worker = some(drivers.running, which);
      if (worker === undefined) return;
      if (code === 'lost') drivers.lose(worker);
      else drivers.end(worker, code);
    }),
  );

const dying = fc.array(fc.nat(15), { minLength: 1, maxLength: 4 }).map((which) =>
  action(`killed before commit ${which}`, async (_model, { dyingLoops }) => {
    await Promise.all(which.map((index) => dyingLoops[index % dyingLoops.length]?.step().catch(() => {})));
  }),
);

const restarting = fc.constant(
  action('restart', async (_model, system) => {
    system.restart();
  }),
);

const failing = fc.integer({ min: 1, max: 4 }).map((failures) =>
  action(`the next ${failures} calls fail`, async (_model, { drivers }) => {
    drivers.failures = failures;
  }),
);

/** Outputs go with a retry or a deletion of their Runs. */
async function forgetOutputs(model: Model, { store }: System): Promise<void> {
  for (const knitId of [...model.data.keys()]) {
    const { rows } = await sql`select from data where knit_id = ${knitId}`.execute(store.db);
    if (rows.length === 0) model.removeData(knitId);
  }
}

/** The Data of the model are those that users pushed; those that Runs have made are added once the Runs are done. */
async function learnOutputs(model: Model, { store }: System): Promise<void> {
  const { rows } = await sql<{ knitId: KnitId; tags: string[] }>`
    select knit_id as "knitId", array_agg(key || ':' || value) as tags
    from data join run using (run_id) join data_tag using (knit_id) join tag using (tag_id)
    where status = 'done' group by 1`.execute(store.db);
  for (const { knitId, tags } of rows) if (!model.data.has(knitId)) model.addData(knitId, tags.map(parseTag));
}

async function checkAtRest(model: Model, system: System): Promise<void> {
  await system.settle();
  await learnOutputs(model, system);
  const runs = await system.runs();
  const combinations = runs.map((run) => combinationOf(run.planId, run.combination));
  expect(new Set(combinations).size, 'a combination has two Runs').toBe(combinations.length);
  const missing = [...model.possible()].filter((combination) => !combinations.includes(combination));
  expect(missing, 'combinations without a Run').toEqual([]);
  const gone = (combination: string) =>
    combination
      .split(' ')
      .slice(1)
      .some((knitId) => !model.data.has(knitId as KnitId));
  const extra = combinations.filter((combination) => !model.mayHaveRun(combination) && !gone(combination));
  expect(extra, 'Runs of combinations that never fitted').toEqual([]);
  for (const { name, check } of invariants) {
    const breaches = await snapshot(system.store.db, (tx) => check(tx, 10));
    expect(breaches, name).toEqual([]);
  }
  const { rows: changes } = await sql<{ was: RunStatus; now: RunStatus }>`
    select distinct was, now from status_change`.execute(system.store.db);
  for (const { was, now } of changes) expect(transitions[was], `${was} → ${now}`).toContain(now);
  const { rows: volumes } = await sql<{ volume_ref: string }>`
    select volume_ref from data join run using (run_id) where status = 'done' and combination is not null`.execute(
    system.store.db,
  );
  const existing = new Set(await system.drivers.volumes.list());
  expect(
    volumes.filter(({ volume_ref }) => !existing.has(volume_ref)),
    'lost volumes',
  ).toEqual([]);
  expect(await system.drivers.workers.list(), 'workers that are left').toEqual([]);
}

const rest = fc.constant(action('rest', checkAtRest));

test('whatever users, loops and workers do, each combination that should have a Run has exactly one, no other has any', async () => {
  const commands = fc.commands(
    [
      push,
      push,
      changeTags,
      registration,
      activation,
      request,
      stepping,
      stepping,
      dying,
      restarting,
      ending,
      failing,
      rest,
    ],
    { maxCommands: 60, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (given) => {
      const system = new System(await freshDatabase());
      const model = new Model();
      try {
        await system.recordStatuses();
        await fc.asyncModelRun(() => ({ model, real: system }), given);
        await checkAtRest(model, system);
      } finally {
        await system.close();
      }
    }),
    // A failure is shown as small as it has become by then.
    { numRuns: Number(process.env.MODEL_RUNS ?? 6), interruptAfterTimeLimit: 150_000 },
  );
}, 240_000);
