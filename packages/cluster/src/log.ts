import { KnitError } from '@knitfab/core';
import { type Logger, pino, stdSerializers } from 'pino';

/** One JSON object a line on stdout. What is expected to go wrong at times is told in a sentence, what is not with its stack. */
export function openLog(component: string, level: string): Logger {
  return pino({
    level,
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: {
      err: (error) =>
        error instanceof KnitError
          ? { type: error.name, reason: error.reason, ...(error.advice && { advice: error.advice }) }
          : stdSerializers.err(error),
    },
  });
}
