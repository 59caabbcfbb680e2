import { Invalid, type KnitId, type PlanId, parseKnitId, parsePlanId } from '@knitfab/core';
import { z } from 'zod';
import { orInvalid } from '../shapes/or-invalid.ts';
import { why } from '../shapes/why.ts';
import { endpoint, json } from './endpoint.ts';
import { parameter } from './query.ts';
import { routes } from './routes.ts';

/** Which Data, and for which Plan. */
export interface WhyQuery {
  readonly knitId: KnitId;
  readonly planId: PlanId;
}

function readBoth(knitId: KnitId | undefined, planId: PlanId | undefined): WhyQuery {
  if (knitId !== undefined && planId !== undefined) return { knitId, planId };
  throw new Invalid({ reason: 'a Data and a Plan are needed', advice: 'Give both knitId and planId.' });
}

export const whyEndpoints = {
  getWhy: endpoint({
    ...routes.getWhy,
    tag: 'Data',
    summary: "Get why a Data is, or is not, an input of a Plan's Runs",
    query: z
      .object({
        knitId: parameter(parseKnitId).meta({ format: 'uuid' }),
        planId: parameter(parsePlanId).meta({ format: 'uuid' }),
      })
      .transform(orInvalid(({ knitId, planId }): WhyQuery => readBoth(knitId, planId))),
    response: json(why, 'For each input of the Plan, whether the Data is nominated to it, and why'),
    errors: [400, 404],
  }),
};
