import { z } from 'zod';
import { uuidText } from './ids.ts';
import { runSummary } from './run.ts';
import { tagText } from './tag.ts';

/** What `GET /api/events` tells of, by the name of the event (spec page 2, "New in this implementation"). */
export const eventData = {
  /** A Run came into a status. */
  run: runSummary,
  'run-deleted': z.object({ runId: uuidText }),
  /** A Data came to be, or its tags changed: all tags that it has when this is sent. */
  data: z.object({ knitId: uuidText, tags: z.array(tagText) }),
  'data-deleted': z.object({ knitId: uuidText }),
  /** Something may have been missed: what is known has to be read again. */
  reset: z.object({}),
} as const;

export type EventName = keyof typeof eventData;

/** One event; `id` is where to go on from (`lastEventId`), whatever it looks like. */
export type ServerEvent = {
  [Name in EventName]: { event: Name; data: z.infer<(typeof eventData)[Name]>; id: string };
}[EventName];
