import { z } from 'zod';
import { listOrAbsent } from './absent.ts';
import { uuidText } from './ids.ts';
import { mountpoint, planDetail, planSummary } from './plan.ts';
import { tagInput } from './tag.ts';

const combination = z.object({ inputs: z.array(z.object({ ...mountpoint.shape, knitId: uuidText })) });

/** What registering a Plan would do. */
export const planDryRun = z
  .object({
    plan: planDetail.omit({ planId: true }),
    equalTo: uuidText.optional().meta({ description: 'The equal Plan that there is: this one is refused' }),
    warnings: z.array(z.string()).meta({ description: 'What is allowed, and may not be what is wanted' }),
    runs: z
      .object({ count: z.int(), first: z.array(combination) })
      .meta({ description: 'The Runs that it would get at once: how many, and the first 100' }),
  })
  .meta({ id: 'PlanDryRun' });

/** The Runs of active Plans that a push or a change of tags would start. */
export const startedRuns = z
  .object({
    runs: z.object({
      count: z.int(),
      byPlan: z.array(z.object({ plan: planSummary, count: z.int() })),
    }),
  })
  .meta({ id: 'StartedRuns', description: 'The Runs that would start, most first' });

/** The tags of a Data that is not pushed yet. */
export const pushedTags = z.object({ tags: listOrAbsent(tagInput) }).meta({ id: 'PushedTags' });

export type PlanDryRun = z.infer<typeof planDryRun>;
export type StartedRuns = z.infer<typeof startedRuns>;
