import { parseKnitId, parsePlanId, parseRunId } from '@knitfab/core';
import { z } from 'zod';

/** Ids as the wire writes them. */
export const uuidText = z.string().meta({ id: 'Uuid', format: 'uuid' });

// A malformed id is no such thing: these throw NotFound, not a validation error (spec page 2).
export const knitIdInput = z.string().transform(parseKnitId).meta({ id: 'KnitId', format: 'uuid' });
export const planIdInput = z.string().transform(parsePlanId).meta({ id: 'PlanId', format: 'uuid' });
export const runIdInput = z.string().transform(parseRunId).meta({ id: 'RunId', format: 'uuid' });

/** A time as the wire writes it: milliseconds and a numeric offset, never `Z`. */
export const timeText = z.string().meta({
  id: 'Time',
  format: 'date-time',
  description: 'RFC 3339 with milliseconds and a numeric offset',
  examples: ['2024-03-06T09:25:16.586+00:00'],
});
