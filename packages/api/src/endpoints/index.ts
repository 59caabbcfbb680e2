import { dataEndpoints } from './data.ts';
import { eventEndpoints } from './events.ts';
import { lineageEndpoints } from './lineage.ts';
import { planEndpoints } from './plans.ts';
import { runEndpoints } from './runs.ts';
import { systemEndpoints } from './system.ts';
import { whyEndpoints } from './why.ts';

export * from './archive-types.ts';
export type { DataFilter } from './data.ts';
export type { Endpoint } from './endpoint.ts';
export { defaultGraphDepth, type GraphDirection, type GraphExtent, graphDirections } from './extent.ts';
export type { LineageQuery } from './lineage.ts';
export { dataPages, maxLimit, type Paging, planPages, runPages, type TimePosition } from './paging.ts';
export type { PlanFilter } from './plans.ts';
export type { Interval } from './query.ts';
export { type OperationId, routes } from './routes.ts';
export type { RunFilter } from './runs.ts';

/** Every endpoint of the Web API by its operation's name: the source of validation, types and OpenAPI document. */
export const endpoints = {
  ...dataEndpoints,
  ...planEndpoints,
  ...runEndpoints,
  ...lineageEndpoints,
  ...whyEndpoints,
  ...eventEndpoints,
  ...systemEndpoints,
};
