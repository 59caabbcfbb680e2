import { z } from 'zod';

/** What came of looking at all that must hold: an addition to 1.6. */
export const examination = z
  .object({
    healthy: z.boolean().meta({ description: 'Whether nothing is wrong that has not been mended' }),
    findings: z.array(
      z.object({
        invariant: z.string(),
        rule: z.string().meta({ description: 'What must hold' }),
        breaches: z.array(z.object({ subject: z.string(), problem: z.string() })),
        more: z.boolean().meta({ description: 'Whether there are more than are named' }),
        mended: z.enum(['yes', 'no', 'not asked for']).meta({
          description: '`no`: it takes the judgement of a person',
        }),
      }),
    ),
  })
  .meta({ id: 'Examination' });

export type Examination = z.infer<typeof examination>;
