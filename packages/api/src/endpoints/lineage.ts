import { Invalid, type KnitId, parseKnitId, parseRunId, type RunId } from '@knitfab/core';
import { z } from 'zod';
import { lineage } from '../shapes/lineage.ts';
import { orInvalid } from '../shapes/or-invalid.ts';
import { endpoint, json } from './endpoint.ts';
import { extent, extentParameters, type GraphExtent } from './extent.ts';
import { parameter } from './query.ts';
import { routes } from './routes.ts';

/** Which part of the lineage to show. */
export interface LineageQuery extends GraphExtent {
  readonly root: { readonly knitId: KnitId } | { readonly runId: RunId };
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
        ...extentParameters('Data'),
      })
      .transform(
        orInvalid(
          ({ knitId, runId, ...given }): LineageQuery => ({
            root: readRoot(knitId, runId),
            ...extent(given),
          }),
        ),
      ),
    response: json(lineage, 'The graph'),
    errors: [400, 404],
  }),
};
