import {
  Conflict,
  definePlan,
  formatTag,
  idTagKey,
  isFinished,
  type KnitId,
  NotFound,
  parseTag,
  type RunId,
  timestampTagKey,
} from '@knitfab/core';
import {
  abortRun,
  beginUpload,
  changeDataTags,
  deleteRun,
  registerPlan,
  retryRun,
  setPlanActive,
  stopRun,
  type Tx,
  transaction,
} from '@knitfab/store';
import fc from 'fast-check';
import { sql } from 'kysely';
import { receiveData } from '../../src/transfers.ts';
import type { Effect, Model } from './model.ts';
import { InjectedFailure } from './scripted-drivers.ts';
import type { System } from './system.ts';

// What users do. Each action may go on at the same time as others, and tells by itself what came of it: an action that is
// refused has no effect.

export interface UserAction {
  name: string;
  perform(model: Model, system: System): Promise<Effect[]>;
}

/** Tags by layer: what a Plan makes has a tag of the next layer, so that no Plan feeds itself. */
const tagsOfLayer = (layer: number): string[] => ['a', 'b'].map((name) => `layer${layer}:${name}`);
const pushedTags = tagsOfLayer(0);

export const some = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[index % Math.max(1, items.length)];

/** The number is taken while the action holds the rows that it has changed, so that numbers are in the order of changes. */
async function ordered<Answer>(
  { store }: System,
  work: (tx: Tx) => Promise<Answer>,
): Promise<{ answer: Answer; order: number } | undefined> {
  try {
    return await transaction(store.db, async (tx) => {
      const answer = await work(tx);
      const { rows } = await sql<{ order: number }>`select nextval('action_order')::int as "order"`.execute(
        tx,
      );
      return { answer, order: rows[0]?.order ?? 0 };
    });
  } catch (error) {
    if (error instanceof Conflict || error instanceof NotFound) return undefined;
    throw error;
  }
}

/** Gives tags to a Data that was just pushed. */
async function tagNew(system: System, knitId: KnitId, tags: readonly string[]): Promise<Effect[]> {
  const done = await ordered(system, async (tx) => {
    await changeDataTags(tx, knitId, { add: tags.map(parseTag), remove: [], removeKeys: [] });
    const { rows } = await sql<{ timestamp: string }>`
      select knit_timestamp(stamped_at) as timestamp from data where knit_id = ${knitId}`.execute(tx);
    return new Set([...tags, ...systemTags(knitId, rows[0]?.timestamp)]);
  });
  return done ? [{ what: 'data', knitId, order: done.order, change: () => done.answer }] : [];
}

export const systemTags = (knitId: KnitId, timestamp: string | undefined): string[] => [
  `${idTagKey}:${knitId}`,
  `${timestampTagKey}:${timestamp}`,
];

/** Receives a Data once it is `verified`; undefined when it is broken off or refused. */
async function receive(
  { store, drivers }: System,
  verified: () => Promise<void>,
): Promise<KnitId | undefined> {
  try {
    return await receiveData(store, drivers, noBytes(), verified);
  } catch (error) {
    if (error instanceof InjectedFailure || error instanceof Conflict) return undefined;
    throw error;
  }
}

async function* noBytes(): AsyncGenerator<Buffer> {}

export const push: fc.Arbitrary<UserAction> = fc.subarray(pushedTags, { minLength: 1 }).map((tags) => ({
  name: `push ${tags}`,
  async perform(_model, system) {
    const knitId = await receive(system, async () => {});
    return knitId === undefined ? [] : tagNew(system, knitId, tags);
  },
}));

/** A push whose bytes don't end before `end an upload`. */
export const openUpload: fc.Arbitrary<UserAction> = fc.constant({
  name: 'begin an upload',
  async perform(_model, system) {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const knitId = receive(system, () => {
      begun.resolve();
      return ended.promise;
    });
    system.uploads.push({ end: ended.resolve, knitId });
    await Promise.race([begun.promise, knitId]);
    return [];
  },
});

export const endUpload: fc.Arbitrary<UserAction> = fc.nat().map((which) => ({
  name: `end upload #${which}`,
  async perform(_model, system) {
    const upload = some(system.uploads, which);
    if (upload === undefined) return [];
    system.uploads.splice(system.uploads.indexOf(upload), 1);
    upload.end();
    const knitId = await upload.knitId;
    return knitId === undefined ? [] : tagNew(system, knitId, pushedTags);
  },
}));

/** The server of this upload is killed after it has made the volume. */
export const lostUpload: fc.Arbitrary<UserAction> = fc.constant({
  name: 'an upload whose server dies',
  async perform(_model, { store, drivers }) {
    const { volumeRef } = await transaction(store.db, beginUpload);
    await drivers.volumes.create(volumeRef).catch(() => {});
    return [];
  },
});

const changeTagsOf = (which: number): fc.Arbitrary<UserAction> =>
  fc.record({ add: fc.subarray(pushedTags), remove: fc.subarray(pushedTags) }).map(({ add, remove }) => ({
    name: `tag #${which} +${add} -${remove}`,
    async perform(model, system) {
      const knitId = some([...model.data.keys()], which);
      if (knitId === undefined) return [];
      const change = { add: add.map(parseTag), remove: remove.map(parseTag), removeKeys: [] };
      const done = await ordered(system, (tx) => changeDataTags(tx, knitId, change));
      if (done === undefined) return [];
      const after = (tags: ReadonlySet<string>) =>
        new Set([...[...tags].filter((tag) => !remove.includes(tag)), ...add]);
      return [{ what: 'data', knitId, order: done.order, change: (tags) => tags && after(tags) }];
    },
  }));

export const changeTags: fc.Arbitrary<UserAction> = fc.nat().chain(changeTagsOf);

const input = fc.record({
  first: fc.nat(1),
  both: fc.boolean(),
  pin: fc.option(
    fc.record({
      which: fc.nat(),
      key: fc.constantFrom(idTagKey, timestampTagKey),
      alone: fc.boolean(),
    }),
    { freq: 4 },
  ),
});

export const registration: fc.Arbitrary<UserAction> = fc
  .record({
    variant: fc.nat(12),
    layer: fc.nat(1),
    inputs: fc.array(input, { minLength: 1, maxLength: 2 }),
    active: fc.boolean(),
    error: fc.nat(1),
    cpu: fc.constantFrom('0.5', '1', '2'),
    priority: fc.integer({ min: -1, max: 1 }),
    maxRunning: fc.constantFrom(1, 2, null),
  })
  .map(({ variant, layer, inputs, active, error, cpu, priority, maxRunning }) => ({
    name: `plan ${variant} of layer ${layer} with ${inputs.map(inputName)}`,
    async perform(model, system) {
      const names = tagsOfLayer(layer);
      const points = inputs.map(({ first, both, pin }, position) => {
        const own = both ? names : names.slice(first, first + 1);
        const data = pin && some([...model.data], pin.which);
        const pinned = [...(data?.[1] ?? [])].filter((tag) => tag.startsWith(`${pin?.key}:`));
        const tags = pin?.alone && pinned.length > 0 ? pinned : [...own, ...pinned];
        return { path: `/in${position}`, tags: tags.map(parseTag) };
      });
      const outputTags = tagsOfLayer(layer + 1).slice(inputs[0]?.first);
      const plan = definePlan({
        image: `plan:v${variant}`,
        inputs: points,
        outputs: [{ path: '/out', tags: outputTags.map(parseTag) }],
        active,
        resources: { cpu },
        priority,
        max_running: maxRunning,
        retry: { error, backoff: '1ms' },
      });
      const done = await ordered(system, (tx) => registerPlan(tx, plan, system.pieceSize));
      if (done === undefined) return []; // There is an equal one.
      return [{ what: 'plan', planId: done.answer, inputs: plan.inputs.map(({ tags }) => tags) }];
    },
  }));

const inputName = ({ first, both, pin }: { first: number; both: boolean; pin: { key: string } | null }) =>
  [both ? 'both' : formatTag({ key: 'tag', value: String(first) }), ...(pin ? [pin.key] : [])].join(' and ');

export const activation: fc.Arbitrary<UserAction> = fc
  .record({ which: fc.nat(), active: fc.boolean() })
  .map(({ which, active }) => ({
    name: `${active ? 'activate' : 'deactivate'} plan #${which}`,
    async perform(model, system) {
      const planId = some([...model.plans.keys()], which);
      if (planId !== undefined) await ordered(system, (tx) => setPlanActive(tx, planId, active));
      return [];
    },
  }));

const requests = { stop: stopRun, abort: abortRun, retry: retryRun, delete: deleteRun };

const requestOf = (which: number, isApt: boolean): fc.Arbitrary<UserAction> =>
  fc.constantFrom(...(Object.keys(requests) as (keyof typeof requests)[])).map((what) => ({
    name: `${what} run #${which}`,
    async perform(_model, system) {
      const isForFinished = what === 'retry' || what === 'delete';
      const runs = await system.runs();
      const run = some(
        isApt ? runs.filter(({ status }) => isFinished(status) === isForFinished) : runs,
        which,
      );
      if (run === undefined) return [];
      const done = await ordered(system, async (tx) => {
        const outputs = await outputsOf(tx, run.runId);
        await requests[what](tx, run.runId);
        return outputs;
      });
      // Outputs go with a retry or a deletion.
      if (done === undefined || what === 'stop' || what === 'abort') return [];
      const { answer, order } = done;
      return answer.map((knitId): Effect => ({ what: 'data', knitId, order, change: () => undefined }));
    },
  }));

/** Most of them of a Run that may be in a state that allows it. */
export const request: fc.Arbitrary<UserAction> = fc
  .tuple(fc.nat(), fc.constantFrom(true, true, true, false))
  .chain(([which, isApt]) => requestOf(which, isApt));

/** Several users who change one Data, or ask for one Run. */
export const quarrel: fc.Arbitrary<UserAction[]> = fc
  .record({ which: fc.nat(), isOfTags: fc.boolean() })
  .chain(({ which, isOfTags }) =>
    fc.array(isOfTags ? changeTagsOf(which) : requestOf(which, false), { minLength: 2, maxLength: 5 }),
  );

async function outputsOf(tx: Tx, runId: RunId): Promise<KnitId[]> {
  const { rows } = await sql<{ knitId: KnitId }>`
    select knit_id as "knitId" from data where run_id = ${runId}`.execute(tx);
  return rows.map(({ knitId }) => knitId);
}
