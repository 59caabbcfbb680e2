import { z } from 'zod';
import { uuidText } from './ids.ts';
import { mountpoint, planSummary } from './plan.ts';
import { runStatus, runSummary } from './run.ts';
import { tagText } from './tag.ts';

const input = z
  .object({
    ...mountpoint.shape,
    nominated: z.boolean(),
    missing: z.array(tagText).meta({ description: "The input's tags that the Data does not have" }),
    reason: z.string().meta({ description: 'Why it is nominated or not, or has no Run, in one sentence' }),
    runs: z
      .object({ count: z.int(), first: z.array(runSummary) })
      .meta({ description: 'The Runs that use the Data as this input: how many, and the 100 newest' }),
  })
  .meta({ id: 'WhyInput' });

/** Why a Data is, or is not, an input of a Plan's Runs. */
export const why = z
  .object({
    knitId: uuidText,
    status: runStatus.meta({
      description: 'Of the Run that makes the Data: only those of done Runs are used',
    }),
    plan: planSummary,
    active: z.boolean().meta({ description: 'Whether the Plan starts Runs' }),
    inputs: z.array(input),
  })
  .meta({ id: 'Why' });

export type Why = z.infer<typeof why>;
