import {
  cycleWarning,
  formatImage,
  formatTag,
  isSystemTag,
  type KnitId,
  type PlanDefinition,
  type PlanId,
  parseTag,
  planCycle,
  planIdentity,
  planWarnings,
  type Tag,
} from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from '../database.ts';
import type { PlanDetail } from '../details.ts';
import { countFitting, firstFitting } from '../fitting-data.ts';
import { inputPoints, type Mountpoint, mountpoint, outputPoints, placed } from '../mountpoints.ts';
import { planConnections } from '../plan-graph.ts';
import { schedulingOnWire } from '../plan-scheduling.ts';
import { planSummaries } from '../plan-summaries.ts';
import { readSystem } from '../system.ts';
import { knownTagIds } from '../tags.ts';

/** What registering a Plan would do (spec page 8, row 7). */
export interface PlanDryRun {
  plan: Omit<PlanDetail, 'planId'>;
  /** The equal Plan that there is: this one would be refused. */
  equalTo?: PlanId;
  warnings: string[];
  runs: { count: number; first: { inputs: (Mountpoint & { knitId: KnitId })[] }[] };
}

/** How many of the Runs are told one by one. */
const firstRuns = 100;

/** Says what registering the Plan would do, and changes nothing: it reads on one snapshot and takes no lock. */
export async function dryRunPlan(tx: Tx, plan: PlanDefinition): Promise<PlanDryRun> {
  const equal = await tx
    .selectFrom('plan')
    .select('plan_id')
    .where('identity', '=', planIdentity(plan))
    .executeTakeFirst();
  const detail = await wouldBe(tx, plan);
  const warnings = planWarnings(plan);
  // An equal Plan has its Runs already.
  if (equal !== undefined) {
    return { plan: detail, equalTo: equal.plan_id, warnings, runs: { count: 0, first: [] } };
  }
  const cycle = await cycleOf(tx, detail);
  if (cycle !== undefined) warnings.push(cycleWarning(cycle));
  const fitting: Fitting[] = [];
  for (const { tags } of plan.inputs) fitting.push(await fittingData(tx, tags));
  const count = fitting.reduce((product, { count }) => Math.min(product * count, Number.MAX_SAFE_INTEGER), 1);
  for (const [index, { path }] of plan.inputs.entries()) {
    if (fitting[index]?.count === 0) warnings.push(`no Data fits the input ${path} yet`);
  }
  const { inactiveAbove } = await readSystem(tx);
  const isStorm = plan.active && count > inactiveAbove;
  if (isStorm) {
    warnings.push(
      `it would start ${count} Runs at once, more than ${inactiveAbove}: it is made inactive, and starts them when it is activated`,
    );
  }
  const first = firstCombinations(fitting.map(({ first: knitIds }) => knitIds));
  return {
    plan: { ...detail, active: plan.active && !isStorm },
    warnings,
    runs: {
      count,
      first: first.map((knitIds) => ({
        inputs: knitIds
          .map((knitId, index) => ({ ...(detail.inputs[index] as Mountpoint), knitId }))
          .map(withId),
      })),
    },
  };
}

/** Stands for a Plan that has no id yet. */
const itself = 'itself' as PlanId;

/** The other Plans over which what the Plan makes would come back to its inputs. */
async function cycleOf(
  tx: Tx,
  { inputs, outputs, log }: Omit<PlanDetail, 'planId'>,
): Promise<PlanId[] | undefined> {
  const isPinned = (tags: readonly string[]) => tags.some((tag) => isSystemTag(parseTag(tag)));
  const before = inputs.flatMap(({ tags, upstreams }) =>
    isPinned(tags) ? [] : upstreams.map(({ plan }) => plan.planId),
  );
  const after = [...outputs, ...(log ? [log] : [])].flatMap(({ downstreams }) =>
    downstreams.filter(({ mountpoint: { tags } }) => !isPinned(tags)).map(({ plan }) => plan.planId),
  );
  if (before.length === 0 || after.length === 0) return undefined;
  return planCycle(itself, [
    ...after.map((to) => ({ from: itself, to })),
    ...(await planConnections(tx, [...new Set(after)])),
    ...before.map((from) => ({ from, to: itself })),
  ]);
}

const withId = ({ path, tags, knitId }: Mountpoint & { knitId: KnitId }) => ({ path, tags, knitId });

/** The Data that would be nominated to an input: how many, and the first. */
interface Fitting {
  count: number;
  first: KnitId[];
}

const fittingData = async (tx: Tx, tags: readonly Tag[]): Promise<Fitting> => ({
  count: await countFitting(tx, tags),
  first: await firstFitting(tx, tags, firstRuns),
});

/** The first combinations of one of each list, the last list's changing fastest. */
function firstCombinations(lists: readonly KnitId[][]): KnitId[][] {
  return lists.reduce<KnitId[][]>(
    (combinations, list) =>
      combinations.flatMap((begun) => list.map((knitId) => [...begun, knitId])).slice(0, firstRuns),
    [[]],
  );
}

/** The Plan as it would be shown; what it would feed, and be fed by. */
async function wouldBe(tx: Tx, plan: PlanDefinition): Promise<Omit<PlanDetail, 'planId'>> {
  const written = (tags: readonly Tag[]) => tags.map(formatTag);
  const inputs: PlanDetail['inputs'] = [];
  for (const { path, tags } of plan.inputs) {
    inputs.push({ path, tags: written(tags), upstreams: await upstreams(tx, tags) });
  }
  const outputs: PlanDetail['outputs'] = [];
  for (const { path, tags } of plan.outputs) {
    outputs.push({ path, tags: written(tags), downstreams: await downstreams(tx, tags) });
  }
  const { maxRunning, priority, retry } = plan.scheduling;
  return {
    image: formatImage(plan.image),
    ...(plan.entrypoint && { entrypoint: [...plan.entrypoint] }),
    ...(plan.args && { args: [...plan.args] }),
    ...(plan.annotations.length > 0 && { annotations: [...plan.annotations] }),
    inputs,
    outputs,
    ...(plan.log && {
      log: { tags: written(plan.log.tags), downstreams: await downstreams(tx, plan.log.tags) },
    }),
    active: plan.active,
    ...(Object.keys(plan.onNode).length > 0 && { on_node: plan.onNode }),
    ...(Object.keys(plan.resources).length > 0 && { resources: plan.resources }),
    ...(plan.serviceAccount !== undefined && { service_account: plan.serviceAccount }),
    ...schedulingOnWire({ max_running: maxRunning ?? null, priority, retry: retry ?? null }),
  };
}

/** The outputs and logs that have all the user tags of an input. */
async function upstreams(tx: Tx, tags: readonly Tag[]) {
  const userTags = tags.filter((tag) => !isSystemTag(tag));
  const ids = await knownTagIds(tx, userTags);
  if (userTags.length === 0 || ids.length < userTags.length) return [];
  const { rows } = await sql<{ output_id: number }>`
    select output_id from plan_output_tag where tag_id = any (${ids}::bigint[])
    group by output_id having count(*) = ${ids.length} order by output_id`.execute(tx);
  const points = await outputPoints(tx, { outputIds: rows.map((row) => row.output_id) });
  const plan = await planSummaries(
    tx,
    points.map((point) => point.planId),
  );
  return points.map((point) => ({ plan: plan(point.planId), ...placed(point) }));
}

/** The inputs all of whose user tags an output has. */
async function downstreams(tx: Tx, tags: readonly Tag[]) {
  const ids = await knownTagIds(tx, tags);
  const { rows } = await sql<{ input_id: number }>`
    select input_id from plan_input_tag join plan_input using (input_id) where tag_id = any (${ids}::bigint[])
    group by input_id, tag_count having count(*) = tag_count order by input_id`.execute(tx);
  const points = await inputPoints(tx, { inputIds: rows.map((row) => row.input_id) });
  const plan = await planSummaries(
    tx,
    points.map((point) => point.planId),
  );
  return points.map((point) => ({ plan: plan(point.planId), mountpoint: mountpoint(point) }));
}
