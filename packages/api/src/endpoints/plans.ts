import type { Tag } from '@knitfab/core';
import { z } from 'zod';
import { planIdInput } from '../shapes/ids.ts';
import {
  annotationChange,
  planDetail,
  planSpec,
  resourceChange,
  serviceAccountChange,
} from '../shapes/plan.ts';
import { endpoint, json } from './endpoint.ts';
import { flag, imagePattern, tags } from './query.ts';
import { routes } from './routes.ts';

/** Which Plans to find: those that fit everything that is given. */
export interface PlanFilter {
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
    query: z.object({ active: flag, image: imagePattern, in_tag: tags, out_tag: tags }).transform(
      ({ active, image, in_tag, out_tag }): PlanFilter => ({
        ...(active !== undefined && { active }),
        ...(image && { image }),
        inTags: in_tag,
        outTags: out_tag,
      }),
    ),
    response: json(z.array(planDetail), 'The Plans that fit, by planId'),
    errors: [400],
  }),
  registerPlan: endpoint({
    ...routes.registerPlan,
    tag: 'Plans',
    summary: 'Register a Plan',
    body: planSpec,
    response: json(planDetail, 'The new Plan'),
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
};
