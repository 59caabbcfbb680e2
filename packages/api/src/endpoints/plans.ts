import type { PlanId, Tag } from '@knitfab/core';
import { z } from 'zod';
import { planDryRun } from '../shapes/dry-run.ts';
import { planIdInput } from '../shapes/ids.ts';
import {
  annotationChange,
  planDetail,
  planSpec,
  resourceChange,
  schedulingChange,
  serviceAccountChange,
} from '../shapes/plan.ts';
import { planGraph } from '../shapes/plan-graph.ts';
import { endpoint, json } from './endpoint.ts';
import { extent, extentParameters } from './extent.ts';
import { type Paging, paging, planPages } from './paging.ts';
import { dryRun, flag, imagePattern, tags } from './query.ts';
import { routes } from './routes.ts';

/** Which Plans to find: those that fit everything that is given. */
export interface PlanFilter extends Paging<PlanId> {
  readonly active?: boolean;
  /** Without a tag, any tag fits. */
  readonly image?: { readonly repository: string; readonly tag?: string };
  /** Some input asks for all of these. */
  readonly inTags: readonly Tag[];
  /** Some output, or the log, has all of these. */
  readonly outTags: readonly Tag[];
}

const params = z.object({ planId: planIdInput });
const detail = json(planDetail, 'The Plan as it is now');

export const planEndpoints = {
  findPlans: endpoint({
    ...routes.findPlans,
    tag: 'Plans',
    summary: 'Find Plans',
    query: z
      .object({ active: flag, image: imagePattern, in_tag: tags, out_tag: tags, ...planPages.parameters })
      .transform(
        ({ active, image, in_tag, out_tag, limit, cursor }): PlanFilter => ({
          ...(active !== undefined && { active }),
          ...(image && { image }),
          inTags: in_tag,
          outTags: out_tag,
          ...paging(limit, cursor),
        }),
      ),
    response: json(z.array(planDetail), 'The Plans that fit, by planId'),
    errors: [400],
  }),
  registerPlan: endpoint({
    ...routes.registerPlan,
    tag: 'Plans',
    summary: 'Register a Plan, or say what that would do',
    query: z.object({ dry_run: dryRun }),
    body: planSpec,
    response: json(z.union([planDetail, planDryRun]), 'The new Plan; of a dry run, what it would be'),
    errors: [400, 409],
  }),
  getPlan: endpoint({
    ...routes.getPlan,
    tag: 'Plans',
    summary: 'Get a Plan',
    params,
    response: detail,
    errors: [404],
  }),
  getPlanGraph: endpoint({
    ...routes.getPlanGraph,
    tag: 'Plans',
    summary: 'Get the Plans before and after a Plan, in one answer',
    params,
    query: z.object(extentParameters('Plans')).transform(extent),
    response: json(planGraph, 'The graph'),
    errors: [400, 404],
  }),
  activatePlan: endpoint({
    ...routes.activatePlan,
    tag: 'Plans',
    summary: 'Activate a Plan: its deactivated Runs go to waiting',
    params,
    response: detail,
    errors: [404],
  }),
  deactivatePlan: endpoint({
    ...routes.deactivatePlan,
    tag: 'Plans',
    summary: 'Deactivate a Plan: its waiting Runs go to deactivated',
    params,
    response: detail,
    errors: [404],
  }),
  changePlanResources: endpoint({
    ...routes.changePlanResources,
    tag: 'Plans',
    summary: 'Unset resources of a Plan, then set some',
    params,
    body: resourceChange,
    response: detail,
    errors: [400, 404],
  }),
  annotatePlan: endpoint({
    ...routes.annotatePlan,
    tag: 'Plans',
    summary: 'Remove annotations from a Plan, then add some',
    params,
    body: annotationChange,
    response: detail,
    errors: [400, 404],
  }),
  setPlanServiceAccount: endpoint({
    ...routes.setPlanServiceAccount,
    tag: 'Plans',
    summary: "Set a Plan's service account",
    params,
    body: serviceAccountChange,
    response: detail,
    errors: [400, 404],
  }),
  unsetPlanServiceAccount: endpoint({
    ...routes.unsetPlanServiceAccount,
    tag: 'Plans',
    summary: "Unset a Plan's service account",
    params,
    response: detail,
    errors: [404],
  }),
  schedulePlan: endpoint({
    ...routes.schedulePlan,
    tag: 'Plans',
    summary: 'Change when and how often the Runs of a Plan are started',
    params,
    body: schedulingChange,
    response: detail,
    errors: [400, 404],
  }),
};
