import { harmless } from '../../output/harmless.ts';
import { shortened, textWidth } from '../../output/text-width.ts';

/** Longest label of an edge, in columns, and the width of one, in pixels. */
const longest = 30;
const column = 6.1;

/** What is drawn of an edge's label. */
export const shownLabel = (label: string): string => shortened(harmless(label), longest);

/** Room that the labels need between two columns of cards, in pixels. */
export const roomForLabels = (labels: Iterable<string>): number => {
  let widest = 10;
  for (const label of new Set(labels)) widest = Math.max(widest, textWidth(shownLabel(label)));
  return Math.round(widest * column + 40);
};
