import { z } from 'zod';

/** An error's body. A 1.6 server sends `message` alone; the other fields are its parts. */
export const errorBody = z
  .object({
    message: z.string(),
    reason: z.string(),
    advice: z.string().optional(),
    see: z.string().optional(),
  })
  .meta({ id: 'Error' });

export type ErrorBody = z.infer<typeof errorBody>;
