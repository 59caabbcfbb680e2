import { Invalid } from '@knitfab/core';
import { z } from 'zod';

/**
 * Makes one of core's rules a transform of a schema: an `Invalid` becomes an issue with its reason and advice. Other
 * errors, a `NotFound` for a malformed id among them, pass as they are.
 */
export function orInvalid<Input, Output>(
  rule: (input: Input) => Output,
): (input: Input, context: z.core.$RefinementCtx<Input>) => Output {
  return (input, context) => {
    try {
      return rule(input);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      context.issues.push({
        code: 'custom',
        message: error.reason,
        input,
        params: { invalid: error },
      });
      return z.NEVER;
    }
  };
}
