import type { PlanId, RunId } from '@knitfab/core';
import { changeStatus, nameWorkers, stopRun, transaction } from '@knitfab/store';
import { afterEach, expect, test } from 'vitest';
import { testStore } from '../../store/test/fixture.ts';
import { finishingLoop } from '../src/finishing.ts';
import { LoopRunner } from '../src/loop.ts';
import { ScriptedDrivers } from './model/scripted-drivers.ts';

const store = testStore();
let engines: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of engines) await stop();
  engines = [];
});

/** Drivers of which the removal of some workers takes until it is let go. */
class SlowRemovals extends ScriptedDrivers {
  readonly sluggish = new Set<string>();
  readonly going = new Map<string, number>();
  mostAtOnce = 0;
  #letGo = Promise.withResolvers<void>();

  constructor() {
    super();
    this.workers.remove = async (name) => {
      if (!this.sluggish.has(name)) return;
      const going = (this.going.get(name) ?? 0) + 1;
      this.going.set(name, going);
      this.mostAtOnce = Math.max(this.mostAtOnce, going);
      await this.#letGo.promise;
      this.going.set(name, going - 1);
    };
  }

  letGo(): void {
    this.#letGo.resolve();
  }
}

/** A copy of the loop, and one more, as two processes would have them. */
function startCopies(drivers: ScriptedDrivers, stopped: boolean): void {
  for (let copy = 0; copy < 2; copy++) {
    const loop = finishingLoop(store.store, drivers, { stopped, deadlineMilliseconds: 600 });
    const ending = new AbortController();
    const runner = new LoopRunner(loop, { debug() {}, warn() {} });
    const running = runner.run(ending.signal);
    // Nobody listens to notifications here.
    const waking = setInterval(() => runner.wake(), 20);
    engines.push(async () => {
      clearInterval(waking);
      ending.abort();
      await running;
    });
  }
}

/** A Plan with so many Runs whose workers run. */
async function running(tag: string, count: number): Promise<{ plan: PlanId; runIds: RunId[] }> {
  const plan = await store.plan({ '/in': [tag] }, { '/out': [`${tag}-out`] });
  for (let nr = 0; nr < count; nr++) await store.push(tag);
  await store.project();
  const runIds = (await store.runsOf(plan)).map((run) => run.runId);
  await transaction(store.db, async (tx) => {
    await nameWorkers(tx, runIds);
    for (const to of ['ready', 'starting', 'running'] as const) await changeStatus(tx, { runIds, to });
  });
  return { plan, runIds };
}

const statuses = async (plan: PlanId) => (await store.runsOf(plan)).map((run) => run.status);

test.each([
  { how: 'by themselves', stopped: false },
  { how: 'because users stopped them', stopped: true },
])(
  'Runs that end $how are not held up by others whose workers go slowly; those say so, are ended once at a time, and finish',
  async ({ stopped }) => {
    const drivers = new SlowRemovals();
    const slow = await running(`slow${stopped}:in`, 7);
    const quick = await running(`quick${stopped}:in`, 60);
    for (const runId of slow.runIds) drivers.sluggish.add(`worker-run-${runId}`);
    await transaction(store.db, async (tx) => {
      const runIds = [...slow.runIds, ...quick.runIds];
      if (stopped) for (const runId of runIds) await stopRun(tx, runId);
      else await changeStatus(tx, { runIds, to: 'completing' });
    });
    startCopies(drivers, stopped);
    await expect.poll(() => statuses(quick.plan), { timeout: 15_000 }).toEqual(Array(60).fill('done'));
    await expect
      .poll(async () => (await store.runsOf(slow.plan)).map((run) => run.problem), { timeout: 15_000 })
      .toEqual(Array(7).fill('its worker is being removed, which takes longer than it should'));
    expect(await statuses(slow.plan)).toEqual(Array(7).fill('completing'));
    expect([...drivers.going.values()]).toEqual(Array(7).fill(1));
    drivers.letGo();
    await expect.poll(() => statuses(slow.plan), { timeout: 15_000 }).toEqual(Array(7).fill('done'));
    expect(drivers.mostAtOnce).toBe(1);
  },
);
