import type { GraphDirection } from '@knitfab/api';
import { type Way, ways } from '../graph.ts';

/** Which part of a graph is asked for. */
export interface Extent {
  readonly direction: GraphDirection;
  /** In Data or in Plans, whatever the graph is of. */
  readonly depth: number | 'all';
}

/** Requests to a 1.6 server that are under way at once. */
export const requestsAtOnce = 8;

export const waysOf = ({ direction }: Extent): readonly Way[] => (direction === 'both' ? ways : [direction]);

export const limitOf = ({ depth }: Extent): number => (depth === 'all' ? Number.POSITIVE_INFINITY : depth);
