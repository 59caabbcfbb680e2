import {
  annotationKey,
  Conflict,
  idTagKey,
  isSystemTag,
  NotFound,
  type PlanDefinition,
  type PlanId,
  planIdentity,
  type Resources,
  type RunId,
  type Tag,
  timestampTagKey,
} from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { lockNominations, nominateToPlan } from './nominations.ts';
import { notify } from './notifications.ts';
import { changeStatus } from './run-status.ts';
import { knownTagIds, tagIds } from './tags.ts';

/**
 * Registers a Plan and nominates the Data that fit its inputs.
 * @throws {Conflict} when a Plan with the same identity exists; `see` is its id
 */
export async function registerPlan(tx: Tx, plan: PlanDefinition): Promise<PlanId> {
  await lockNominations(tx, 'plan');
  const inserted = await tx
    .insertInto('plan')
    .values({
      identity: planIdentity(plan),
      image_repository: plan.image.repository,
      image_tag: plan.image.tag,
      entrypoint: plan.entrypoint ? [...plan.entrypoint] : null,
      args: plan.args ? [...plan.args] : null,
      on_node: JSON.stringify(plan.onNode),
      active: plan.active,
      resources: JSON.stringify(plan.resources),
      annotations: [...plan.annotations],
      service_account: plan.serviceAccount ?? null,
    })
    .onConflict((conflict) => conflict.column('identity').doNothing())
    .returning('plan_id')
    .executeTakeFirst();
  if (inserted === undefined) throw await equalPlan(tx, plan);
  const planId = inserted.plan_id;
  await insertInputs(tx, planId, plan);
  await insertOutputs(tx, planId, plan);
  await nominateToPlan(tx, planId);
  return planId;
}

async function equalPlan(tx: Tx, plan: PlanDefinition): Promise<Conflict> {
  const { plan_id } = await tx
    .selectFrom('plan')
    .select('plan_id')
    .where('identity', '=', planIdentity(plan))
    .executeTakeFirstOrThrow();
  return new Conflict({
    reason: `there is an equal plan: ${plan_id}`,
    advice: `Use it (\`knit plan show ${plan_id}\`), or change the image, its tag, the command, paths or tags to make another plan.`,
    see: plan_id,
  });
}

async function insertInputs(tx: Tx, planId: PlanId, plan: PlanDefinition): Promise<void> {
  for (const [index, { path, tags }] of plan.inputs.entries()) {
    const userTags = tags.filter((tag) => !isSystemTag(tag));
    const pinned = (key: string) => tags.find((tag) => tag.key === key)?.value ?? null;
    const { input_id } = await tx
      .insertInto('plan_input')
      .values({
        plan_id: planId,
        position: index + 1,
        path,
        tag_count: userTags.length,
        pinned_id: pinned(idTagKey),
        pinned_timestamp: pinned(timestampTagKey),
      })
      .returning('input_id')
      .executeTakeFirstOrThrow();
    const ids = await tagIds(tx, userTags);
    await sql`insert into plan_input_tag (input_id, tag_id) select ${input_id}::bigint, unnest(${ids}::bigint[])`.execute(
      tx,
    );
  }
}

async function insertOutputs(tx: Tx, planId: PlanId, plan: PlanDefinition): Promise<void> {
  const outputs: { path: string | null; tags: readonly Tag[] }[] = [...plan.outputs];
  if (plan.log) outputs.push({ path: null, tags: plan.log.tags });
  for (const { path, tags } of outputs) {
    const { output_id } = await tx
      .insertInto('plan_output')
      .values({ plan_id: planId, path })
      .returning('output_id')
      .executeTakeFirstOrThrow();
    const ids = await tagIds(tx, tags);
    await sql`insert into plan_output_tag (output_id, tag_id) select ${output_id}::bigint, unnest(${ids}::bigint[])`.execute(
      tx,
    );
  }
}

/**
 * Takes the Plan's row, so that projection and changes of the Plan don't overlap. Projection passes over it meanwhile, and is
 * told to look again.
 */
async function lockPlan(tx: Tx, planId: PlanId) {
  const plan = await tx
    .selectFrom('plan')
    .select(['plan_id', 'active', 'resources', 'annotations'])
    .where('plan_id', '=', planId)
    .where('name', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (plan === undefined) throw noSuchPlan(planId);
  await notify(tx, 'nomination');
  return plan;
}

export const noSuchPlan = (planId: PlanId): NotFound =>
  new NotFound({ reason: `there is no Plan ${planId}`, advice: 'See `knit plan find` for those that are.' });

/**
 * Activates or deactivates a Plan; its Runs that have not begun follow (spec page 1).
 * @throws {NotFound}
 */
export async function setPlanActive(tx: Tx, planId: PlanId, active: boolean): Promise<void> {
  await lockPlan(tx, planId);
  await tx.updateTable('plan').set({ active }).where('plan_id', '=', planId).execute();
  const [from, to] = active ? (['deactivated', 'waiting'] as const) : (['waiting', 'deactivated'] as const);
  const { rows } = await sql<{ run_id: RunId }>`
    select run_id from run where status = ${from} and plan_id = ${planId} order by run_id for no key update`.execute(
    tx,
  );
  await changeStatus(tx, { runIds: rows.map((row) => row.run_id), to });
}

/**
 * Changes what a Plan's future workers get.
 * @returns what they get now
 * @throws {NotFound}
 */
export async function changePlanResources(
  tx: Tx,
  planId: PlanId,
  change: { set: Resources; unset: readonly string[] },
): Promise<Resources> {
  const { resources } = await lockPlan(tx, planId);
  const kept = Object.entries(resources).filter(([name]) => !change.unset.includes(name));
  const changed = { ...Object.fromEntries(kept), ...change.set };
  await tx
    .updateTable('plan')
    .set({ resources: JSON.stringify(changed) })
    .where('plan_id', '=', planId)
    .execute();
  return changed;
}

/**
 * Changes a Plan's annotations, removal first.
 * @throws {NotFound}
 */
export async function changePlanAnnotations(
  tx: Tx,
  planId: PlanId,
  change: { add: readonly string[]; remove: readonly string[]; removeKeys: readonly string[] },
): Promise<void> {
  const { annotations } = await lockPlan(tx, planId);
  const kept = annotations.filter(
    (each) => !change.remove.includes(each) && !change.removeKeys.includes(annotationKey(each)),
  );
  const changed = [...new Set([...kept, ...change.add])].sort();
  await tx.updateTable('plan').set({ annotations: changed }).where('plan_id', '=', planId).execute();
}

/**
 * Sets or takes away the service account of a Plan's future workers.
 * @throws {NotFound}
 */
export async function setPlanServiceAccount(tx: Tx, planId: PlanId, name: string | null): Promise<void> {
  await lockPlan(tx, planId);
  await tx.updateTable('plan').set({ service_account: name }).where('plan_id', '=', planId).execute();
}

/** What `GET /api/plans/` filters by; what is left out does not filter. */
export interface PlanFilter {
  active?: boolean;
  /** The tag may be left out: then any. */
  image?: { repository: string; tag?: string };
  /** One input has all of these. */
  inTags?: readonly Tag[];
  /** One output, or the log, has all of these. */
  outTags?: readonly Tag[];
}

/** The ids of the Plans that fit the filter, pseudo plans left out, in order. */
export async function findPlans(db: Connection | Tx, filter: PlanFilter): Promise<PlanId[]> {
  let query = db.selectFrom('plan').select('plan_id').where('name', 'is', null);
  if (filter.active !== undefined) query = query.where('active', '=', filter.active);
  if (filter.image !== undefined) {
    query = query.where('image_repository', '=', filter.image.repository);
    if (filter.image.tag !== undefined) query = query.where('image_tag', '=', filter.image.tag);
  }
  for (const [table, tags] of [
    ['input', filter.inTags],
    ['output', filter.outTags],
  ] as const) {
    if (tags === undefined || tags.length === 0) continue;
    const planIds = await plansWithPoint(db, table, tags);
    query = query.where('plan_id', '=', sql<PlanId>`any (${planIds}::uuid[])`);
  }
  return (await query.orderBy('plan_id').execute()).map((row) => row.plan_id);
}

/** The Plans of which one input (or output, or log) has all of the tags. */
async function plansWithPoint(
  db: Connection | Tx,
  kind: 'input' | 'output',
  tags: readonly Tag[],
): Promise<PlanId[]> {
  const unique = new Map(tags.map((tag) => [`${tag.key}:${tag.value}`, tag]));
  const userTags = [...unique.values()].filter((tag) => !isSystemTag(tag));
  const systemTags = [...unique.values()].filter(isSystemTag);
  const ids = await knownTagIds(db, userTags);
  if (ids.length < userTags.length) return [];
  const pinning = new Map([
    [idTagKey, sql.ref('pinned_id')],
    [timestampTagKey, sql.ref('pinned_timestamp')],
  ]);
  if (systemTags.some((tag) => kind === 'output' || !pinning.has(tag.key))) return [];
  const pinned = systemTags.map((tag) => sql`and ${pinning.get(tag.key)}::text = ${tag.value}`);
  const table = sql.table(kind === 'input' ? 'plan_input' : 'plan_output');
  const tagTable = sql.table(kind === 'input' ? 'plan_input_tag' : 'plan_output_tag');
  const id = sql.ref(kind === 'input' ? 'input_id' : 'output_id');
  const { rows } = await sql<{ plan_id: PlanId }>`
    select distinct plan_id from ${table} as point
    where (select count(*) from ${tagTable} as has
           where has.${id} = point.${id} and has.tag_id = any (${ids}::bigint[])) = ${ids.length}
    ${sql.join(pinned, sql` `)}`.execute(db);
  return rows.map((row) => row.plan_id);
}
