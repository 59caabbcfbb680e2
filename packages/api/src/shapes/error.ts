import { z } from 'zod';
import { errorExample } from './examples.ts';

/** An error's body. A 1.6 server sends `message` alone; the other fields are its parts. */
export const errorBody = z
  .object({
    message: z.string(),
    reason: z.string(),
    advice: z.string().optional(),
    see: z.string().optional(),
  })
  .meta({
    id: 'Error',
    description:
      '`message` is the whole text; the other fields are its parts, and `see` the id of something worth a look',
    examples: [errorExample],
  });

export type ErrorBody = z.infer<typeof errorBody>;
