import { z } from 'zod';
import { timeText } from './ids.ts';

/** What holds for all Runs: an addition to 1.6. */
export const systemState = z
  .object({
    paused: z.object({ since: timeText, reason: z.string().optional() }).optional(),
    limits: z.object({
      max_running: z.int().nullable(),
      inactive_above: z.int(),
    }),
  })
  .meta({
    id: 'SystemState',
    description:
      'Whether Runs are started, how many may be under way at once (null: any number), and the Runs at once beyond which a new Plan is made inactive',
  });

export const pauseRequest = z
  .object({ reason: z.string().max(1000).nullish() })
  .nullish()
  .meta({ id: 'PauseRequest' });

/** What is absent stays as it is; a `max_running` of null takes the limit away. */
export const limitsChange = z
  .object({
    max_running: z.int().min(1).max(1_000_000).nullable().optional(),
    inactive_above: z.int().min(1).max(1_000_000_000).optional(),
  })
  .meta({ id: 'LimitsChange' });

export type SystemState = z.infer<typeof systemState>;
export type LimitsChange = z.input<typeof limitsChange>;
