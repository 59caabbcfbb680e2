import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { parameter } from './query.ts';
import { routes } from './routes.ts';

export const eventEndpoints = {
  followEvents: endpoint({
    ...routes.followEvents,
    tag: 'Events',
    summary: 'Follow changes of Runs and Data as server-sent events',
    query: z.object({
      lastEventId: parameter(String).meta({
        description: 'Where to go on from, for clients that can not send the header `Last-Event-ID`',
      }),
    }),
    response: {
      status: 200,
      contentTypes: ['text/event-stream'],
      description:
        'Events `run` (a RunSummary), `run-deleted` ({runId}), `data` ({knitId, tags}), `data-deleted` ({knitId}), and `reset` ({}) when what came after `Last-Event-ID` is not known any more; a comment every 15 s',
    },
    errors: [400],
  }),
};
