import { Invalid } from '@knitfab/core';
import { parameter } from './query.ts';

export const graphDirections = ['up', 'down', 'both'] as const;
/** From where something comes, to where it goes, or both. */
export type GraphDirection = (typeof graphDirections)[number];

/** Which part of a graph to show. */
export interface GraphExtent {
  readonly direction: GraphDirection;
  /** In Data or in Plans, whatever the graph is of; `Infinity` for the whole graph. */
  readonly depth: number;
}

/** How far a graph goes when nobody says, as the command draws it (spec page 3). */
export const defaultGraphDepth = 3;

function readDirection(given: string): GraphDirection {
  const direction = graphDirections.find((known) => known === given);
  if (direction === undefined) {
    throw new Invalid({
      reason: `"${given}" is not a direction`,
      advice: `Name one of ${graphDirections.join(', ')}.`,
    });
  }
  return direction;
}

function readDepth(given: string): number {
  if (given === 'all') return Number.POSITIVE_INFINITY;
  if (!/^\d{1,9}$/.test(given)) {
    throw new Invalid({
      reason: `"${given}" is not a depth`,
      advice: 'Write a number, such as 3, or "all".',
    });
  }
  return Number(given);
}

/** The parameters of a graph's extent; the depth is counted in `unit`. */
export const extentParameters = (unit: 'Data' | 'Plans') => ({
  direction: parameter(readDirection).meta({ description: 'up, down or both (the default)' }),
  depth: parameter(readDepth).meta({
    description: `How many ${unit} away, ${defaultGraphDepth} by default, or "all"`,
  }),
});

/** The extent that parameters name, with what holds when they don't. */
export const extent = ({
  direction = 'both',
  depth = defaultGraphDepth,
}: {
  direction?: GraphDirection | undefined;
  depth?: number | undefined;
}): GraphExtent => ({ direction, depth });
