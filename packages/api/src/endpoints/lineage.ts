import { Invalid, type KnitId, parseKnitId, parseRunId, type RunId } from '@knitfab/core';
import { z } from 'zod';
import { lineage } from '../shapes/lineage.ts';
import { orInvalid } from '../shapes/or-invalid.ts';
import { endpoint, json } from './endpoint.ts';
import { parameter } from './query.ts';
import { routes } from './routes.ts';

export const lineageDirections = ['up', 'down', 'both'] as const;
export type LineageDirection = (typeof lineageDirections)[number];

/** Which part of the lineage to show. */
export interface LineageQuery {
  readonly root: { readonly knitId: KnitId } | { readonly runId: RunId };
  readonly direction: LineageDirection;
  /** In Data; `Infinity` for the whole graph. */
  readonly depth: number;
}

/** How far a lineage goes when nobody says, as the command draws it (spec page 3). */
export const defaultLineageDepth = 3;

function readDirection(given: string): LineageDirection {
  const direction = lineageDirections.find((known) => known === given);
  if (direction === undefined) {
    throw new Invalid({
      reason: `"${given}" is not a direction`,
      advice: `Name one of ${lineageDirections.join(', ')}.`,
    });
  }
  return direction;
}

function readDepth(given: string): number {
  if (given === 'all') return Number.POSITIVE_INFINITY;
  if (!/^\d{1,9}$/.test(given)) {
    throw new Invalid({
      reason: `"${given}" is not a depth`,
      advice: 'Write a number of Data, such as 3, or "all".',
    });
  }
  return Number(given);
}

function readRoot(knitId: KnitId | undefined, runId: RunId | undefined): LineageQuery['root'] {
  if (knitId !== undefined && runId === undefined) return { knitId };
  if (runId !== undefined && knitId === undefined) return { runId };
  throw new Invalid({
    reason: 'the lineage has to start somewhere',
    advice: 'Give either knitId or runId.',
  });
}

export const lineageEndpoints = {
  getLineage: endpoint({
    ...routes.getLineage,
    tag: 'Lineage',
    summary: 'Get the lineage of a Data or a Run, in one answer',
    query: z
      .object({
        knitId: parameter(parseKnitId).meta({ format: 'uuid' }),
        runId: parameter(parseRunId).meta({ format: 'uuid' }),
        direction: parameter(readDirection).meta({ description: 'up, down or both (the default)' }),
        depth: parameter(readDepth).meta({
          description: `How many Data away, ${defaultLineageDepth} by default, or "all"`,
        }),
      })
      .transform(
        orInvalid(
          ({ knitId, runId, direction, depth }): LineageQuery => ({
            root: readRoot(knitId, runId),
            direction: direction ?? 'both',
            depth: depth ?? defaultLineageDepth,
          }),
        ),
      ),
    response: json(lineage, 'The graph'),
    errors: [400, 404],
  }),
};
