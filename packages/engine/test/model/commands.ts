import type { PlanId } from '@knitfab/core';
import {
  changePlanScheduling,
  changeSystemLimits,
  pauseSystem,
  resumeSystem,
  transaction,
} from '@knitfab/store';
import fc from 'fast-check';
import { checkAtRest, checkDatabase } from './at-rest.ts';
import type { Model } from './model.ts';
import { startsFailForEver } from './not-tried.ts';
import { scriptedCalls } from './scripted-drivers.ts';
import type { System } from './system.ts';
import {
  activation,
  changeTags,
  endUpload,
  lostUpload,
  openUpload,
  push,
  quarrel,
  registration,
  request,
  some,
  type UserAction,
} from './user-actions.ts';

// What may happen, as fast-check draws it. A command that is not known to be refused is tried in any state; after each of them,
// whatever must hold at any moment has to hold.

export type Command = fc.AsyncCommand<Model, System>;

const command = (name: string, run: (model: Model, system: System) => Promise<unknown>): Command => ({
  check: () => true,
  async run(model, system) {
    await run(model, system);
    await checkDatabase(system);
  },
  toString: () => name,
});

const userAction: fc.Arbitrary<UserAction> = fc.oneof(
  { weight: 4, arbitrary: push },
  { weight: 3, arbitrary: changeTags },
  { weight: 3, arbitrary: registration },
  { weight: 2, arbitrary: activation },
  { weight: 4, arbitrary: request },
  { weight: 1, arbitrary: openUpload },
  { weight: 1, arbitrary: endUpload },
  { weight: 1, arbitrary: lostUpload },
);

const byItself = userAction.map(({ name, perform }) =>
  command(name, async (model, system) => model.follow(await perform(model, system))),
);

const allLoops = Array.from({ length: 30 }, (_, index) => index);
const someLoops = fc.oneof(fc.constant(allLoops), fc.array(fc.nat(30), { minLength: 1, maxLength: 20 }));

/** Any actions, or a Plan that comes while Data change: what neither sees of the other would be lost. */
const actionsAtOnce = fc.oneof(
  fc.array(userAction, { minLength: 2, maxLength: 5 }),
  quarrel,
  fc
    .tuple(registration, fc.array(fc.oneof(changeTags, push), { minLength: 1, maxLength: 4 }))
    .map(([plan, changes]) => [plan, ...changes]),
);

/** Several users and several copies of the loops, all at the same time; transactions take a while to commit. */
const atOnce = fc
  .record({
    actions: actionsAtOnce,
    loops: someLoops,
    times: fc.integer({ min: 1, max: 3 }),
    linger: fc.constantFrom(0, 5, 20),
  })
  .map(({ actions, loops, times, linger }) =>
    command(
      `at once (${actions.map(({ name }) => name).join(' | ')} | ${times} × ${stepName(loops)}; ${linger} ms to commit)`,
      async (model, system) => {
        const [effects] = await system.lingering(linger, () =>
          Promise.all([
            Promise.all(actions.map((action) => action.perform(model, system))),
            system.step(loops, times),
          ]),
        );
        model.follow(effects.flat());
      },
    ),
  );

const stepName = (loops: number[]) => `step ${loops === allLoops ? 'all' : loops}`;

const stepping = fc
  .tuple(someLoops, fc.integer({ min: 1, max: 3 }))
  .map(([loops, times]) =>
    command(`${times} × ${stepName(loops)}`, (_model, system) => system.step(loops, times)),
  );

const pausing = fc.record({ loops: someLoops, isResumed: fc.boolean() }).map(({ loops, isResumed }) =>
  command(`pause, ${stepName(loops)}${isResumed ? ', resume' : ''}`, async (_model, system) => {
    const { db } = system.store;
    await transaction(db, (tx) => pauseSystem(tx, null));
    await system.step(loops, 2);
    if (isResumed) await transaction(db, resumeSystem);
  }),
);

const ending = fc
  .record({ which: fc.nat(), code: fc.constantFrom(0, 0, 1, 'lost' as const) })
  .map(({ which, code }) =>
    command(`worker #${which} ends with ${code}`, async (_model, { drivers }) => {
      const worker = some(drivers.inPhase('pending', 'running'), which);
      if (worker === undefined) return;
      if (code === 'lost') drivers.lose(worker);
      else drivers.end(worker, code);
    }),
  );

const pending = fc.integer({ min: 1, max: 4 }).map((workers) =>
  command(`the next ${workers} workers are pending`, async (_model, { drivers }) => {
    drivers.pendingStarts = workers;
  }),
);

const leavingPending = fc.nat().map((which) =>
  command(`pending worker #${which} runs`, async (_model, { drivers }) => {
    const worker = some(drivers.inPhase('pending'), which);
    if (worker !== undefined) drivers.run(worker);
  }),
);

const dying = fc
  .array(fc.nat(15), { minLength: 1, maxLength: 4 })
  .map((which) =>
    command(`killed before commit ${which}`, (_model, { dyingLoops }) =>
      Promise.all(which.map((index) => dyingLoops[index % dyingLoops.length]?.step().catch(() => {}))),
    ),
  );

const restarting = fc.constant(command('restart', async (_model, system) => system.restart()));

const disturbance = fc
  .record({
    call: fc.constantFrom(...scriptedCalls),
    times: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ call, times }) =>
    command(`the next ${times} × ${call} fail`, async (_model, { drivers }) => drivers.fail(call, times)),
  );

const slowness = fc
  .record({ call: fc.constantFrom(...scriptedCalls), times: fc.integer({ min: 1, max: 4 }) })
  .map(({ call, times }) =>
    command(`the next ${times} × ${call} are slow`, async (_model, { drivers }) => drivers.slow(call, times)),
  );

const breakingImage = fc.nat(12).map((variant) =>
  command(`no worker of plan ${variant} can be started`, async (_model, { drivers }) => {
    drivers.brokenImages.add(`plan:v${variant}`);
  }),
);

const timePassing = fc.constantFrom(
  command('back-offs are over', (_model, system) => system.passTime()),
  command('leases run out', (_model, system) => system.endLeases()),
);

/** Alone, so that each admission has one limit to keep to. */
const limiting = fc.oneof(
  fc.constant(command('resume', (_model, { store }) => transaction(store.db, resumeSystem))),
  fc
    .constantFrom(1, 3, null)
    .map((maxRunning) =>
      command(`the system runs ${maxRunning} at most`, (_model, { store }) =>
        transaction(store.db, (tx) => changeSystemLimits(tx, { maxRunning })),
      ),
    ),
  fc
    .record({
      which: fc.nat(),
      max_running: fc.constantFrom(1, 2, null),
      priority: fc.integer({ min: -1, max: 1 }),
    })
    .map(({ which, ...scheduling }) =>
      command(`plan #${which} has ${JSON.stringify(scheduling)}`, async (model, { store }) => {
        const planId: PlanId | undefined = some([...model.plans.keys()], which);
        if (planId !== undefined)
          await transaction(store.db, (tx) => changePlanScheduling(tx, planId, scheduling));
      }),
    ),
);

const rest = fc.constant(command('rest', checkAtRest));

/** Those that are there twice come twice as often. */
export const commands: fc.Arbitrary<Command>[] = [
  byItself,
  byItself,
  byItself,
  atOnce,
  atOnce,
  atOnce,
  stepping,
  stepping,
  dying,
  restarting,
  ending,
  pending,
  leavingPending,
  disturbance,
  disturbance,
  slowness,
  ...(startsFailForEver ? [breakingImage] : []),
  timePassing,
  pausing,
  limiting,
  rest,
];
