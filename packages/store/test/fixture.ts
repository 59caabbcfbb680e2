import { definePlan, type KnitId, type PlanId, type PlanInput, parseTag, type RunId } from '@knitfab/core';
import { afterAll, beforeAll } from 'vitest';
import {
  beginUpload,
  changeDataTags,
  changeStatus,
  claimPlanToProject,
  completeUpload,
  findRuns,
  openStore,
  projectPlan,
  type RunDetail,
  registerPlan,
  renominateData,
  runDetails,
  type Store,
  snapshot,
  stampOutputs,
  transaction,
} from '../src/index.ts';
import { freshDatabase } from './database.ts';

/** A store on a database of its own, and what tests do with it over and over. */
export class TestStore implements AsyncDisposable {
  store!: Store;

  /** On a database that is there. */
  static open(connectionString: string): TestStore {
    const test = new TestStore();
    test.store = openStore({ connectionString }, 4);
    return test;
  }

  get db() {
    return this.store.db;
  }

  /** Registers a plan. Inputs and outputs are given as `{ '/path': ['tag:value', …] }`. */
  async plan(
    inputs: Record<string, string[]>,
    outputs: Record<string, string[]> = {},
    rest: Partial<PlanInput> = {},
  ): Promise<PlanId> {
    const points = (given: Record<string, string[]>) =>
      Object.entries(given).map(([path, tags]) => ({ path, tags: tags.map(parseTag) }));
    const plan = definePlan({ image: 'host:v1', inputs: points(inputs), outputs: points(outputs), ...rest });
    return transaction(this.db, (tx) => registerPlan(tx, plan));
  }

  /** Makes a Data with these tags. */
  async push(...tags: string[]): Promise<KnitId> {
    const upload = await transaction(this.db, beginUpload);
    await transaction(this.db, (tx) => completeUpload(tx, upload));
    await this.tag(upload.knitId, { add: tags });
    return upload.knitId;
  }

  async tag(
    knitId: KnitId,
    { add = [] as string[], remove = [] as string[], removeKeys = [] as string[] },
  ): Promise<void> {
    const change = { add: add.map(parseTag), remove: remove.map(parseTag), removeKeys };
    await transaction(this.db, (tx) => changeDataTags(tx, knitId, change));
  }

  /** Projects until nothing is left. */
  async project(): Promise<void> {
    const step = () =>
      transaction(this.db, async (tx) => {
        const plan = await claimPlanToProject(tx);
        if (plan !== undefined) await projectPlan(tx, plan, 100);
        return plan !== undefined;
      });
    while (await step());
  }

  async runsOf(planId: PlanId): Promise<RunDetail[]> {
    return snapshot(this.db, async (tx) => runDetails(tx, await findRuns(tx, { planIds: [planId] })));
  }

  /** The combinations of Data, by path, that a Plan's Runs have. */
  async combinationsOf(planId: PlanId): Promise<string[]> {
    const runs = await this.runsOf(planId);
    return runs.map((run) => run.inputs.map((input) => `${input.path}=${input.knitId}`).join(' ')).sort();
  }

  /** Takes a Run all the way, as the loops would. */
  async finish(runId: RunId, as: 'done' | 'failed'): Promise<void> {
    await transaction(this.db, async (tx) => {
      const by = as === 'done' ? 'completing' : 'aborting';
      for (const to of ['ready', 'starting', 'running', by, as] as const)
        await changeStatus(tx, { runIds: [runId], to });
      const made = await stampOutputs(tx, [runId]);
      await renominateData(tx, made);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
  }
}

/** Call it at the top of a test file. */
export function testStore(): TestStore {
  const test = new TestStore();
  beforeAll(async () => {
    test.store = openStore({ connectionString: await freshDatabase() });
  });
  afterAll(() => test.store.close());
  return test;
}
