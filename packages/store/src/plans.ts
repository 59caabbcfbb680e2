import {
  annotationKey,
  Conflict,
  idTagKey,
  isSystemTag,
  type PlanDefinition,
  type PlanId,
  planIdentity,
  type Resources,
  type RunId,
  type Tag,
  timestampTagKey,
} from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { beginNominating } from './nomination-backlog.ts';
import { lockNominations } from './nominations.ts';
import { lockPlan } from './plan-lock.ts';
import { schedulingColumns } from './plan-scheduling.ts';
import { changeStatus } from './run-status.ts';
import { isStorm } from './storm.ts';
import { tagIds } from './tags.ts';

/**
 * Registers a Plan and nominates the Data that fit its inputs: all of them when they are few, else the first, and the others
 * in the time that follows (nomination-backlog.ts). A Plan that would start very many Runs is made inactive (storm.ts).
 * @param pieceSize how many Data are few
 * @throws {Conflict} when a Plan with the same identity exists; `see` is its id
 */
export async function registerPlan(tx: Tx, plan: PlanDefinition, pieceSize?: number): Promise<PlanId> {
  const active = plan.active && !(await isStorm(tx, plan));
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
      active,
      resources: JSON.stringify(plan.resources),
      annotations: [...plan.annotations],
      service_account: plan.serviceAccount ?? null,
      ...schedulingColumns(plan.scheduling),
    })
    .onConflict((conflict) => conflict.column('identity').doNothing())
    .returning('plan_id')
    .executeTakeFirst();
  if (inserted === undefined) throw await equalPlan(tx, plan);
  const planId = inserted.plan_id;
  await insertInputs(tx, planId, plan);
  await insertOutputs(tx, planId, plan);
  await beginNominating(tx, planId, pieceSize);
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
