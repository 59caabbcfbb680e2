import { failureCauses, visibleRunStatuses } from '@knitfab/core';
import { z } from 'zod';
import { runExample } from './examples.ts';
import { timeText, uuidText } from './ids.ts';
import { logPoint, mountpoint, planSummary } from './plan.ts';

export const runStatus = z.enum(visibleRunStatuses).meta({ id: 'RunStatus' });

export const exit = z
  .object({ code: z.int().min(0).max(255), message: z.string() })
  .meta({ id: 'Exit', description: 'How the worker ended; the message is empty after success' });

export const runSummary = z
  .object({
    runId: uuidText,
    status: runStatus,
    updatedAt: timeText,
    exit: exit.optional(),
    plan: planSummary,
  })
  .meta({ id: 'RunSummary', description: 'A Run in short' });

/** What was really executed: an addition to 1.6. */
export const execution = z
  .object({
    driver: z.string(),
    node: z.string().optional(),
    digests: z.record(z.string(), z.string()).optional(),
    startedAt: timeText.optional(),
    endedAt: timeText.optional(),
    peakMemoryBytes: z.number().optional(),
    notes: z.array(z.string()).optional(),
  })
  .meta({ id: 'Execution', description: 'What was really executed, and where' });

/** What an earlier attempt of a Run came to. */
const attempt = z
  .object({
    attempt: z.int(),
    endedAt: timeText,
    exit: exit.optional(),
    cause: z.enum(failureCauses).optional(),
    execution: execution.optional(),
  })
  .meta({ id: 'Attempt', description: 'What an earlier attempt came to, and whose fault it was' });

const assignment = z
  .object({ ...mountpoint.shape, knitId: uuidText })
  .meta({ id: 'Assignment', description: 'Which Data is an input or output of a Run' });

export const runDetail = z
  .object({
    ...runSummary.shape,
    inputs: z.array(assignment),
    outputs: z.array(assignment),
    log: z.object({ ...logPoint.shape, knitId: uuidText }).nullable(),
    attempts: z.array(attempt).optional().meta({ description: 'What came of the attempts before this one' }),
    attempt: z.int().optional().meta({ description: 'How often it has been started, once it was retried' }),
    cause: z.enum(failureCauses).optional().meta({
      description: 'Whose fault a failure is: `lost`: the system, `error`: the code, `user`: it was stopped',
    }),
    execution: execution.optional(),
    problem: z
      .string()
      .optional()
      .meta({ description: 'Why the Run does not get on, while it is tried again' }),
  })
  .meta({
    id: 'RunDetail',
    description: 'A Run in full; its log is null where the Plan keeps none',
    examples: [runExample],
  });

export type RunSummary = z.infer<typeof runSummary>;
export type RunDetail = z.infer<typeof runDetail>;
export type Attempt = z.infer<typeof attempt>;
export type Assignment = z.infer<typeof assignment>;
