import type { Cards, Layout, Point } from './layout.ts';

const rowGap = 24;
const margin = 24;
/** How often the order within the columns is improved, there and back. */
const sweeps = 6;

/**
 * Arranges cards in columns by rank, in time that grows with their number only: each card near what it is connected with, in
 * curves straight from card to card (the method of Sugiyama, Tagawa and Toda, 1981, by barycentres and without bends).
 */
export function layeredLayout({ cards, edges, gap }: Cards, ranks: readonly number[]): Layout {
  const columns: number[][] = [];
  for (const index of cards.keys()) {
    const rank = ranks[index] ?? 0;
    const column = columns[rank] ?? [];
    column.push(index);
    columns[rank] = column;
  }
  const before = Map.groupBy(edges, ({ target }) => target);
  const after = Map.groupBy(edges, ({ source }) => source);
  /** Vertical middle of each card. */
  const middles = new Map<number, number>();
  for (const column of columns) stack(column, middles, cards);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const there = sweep % 2 === 0;
    for (const column of there ? columns : columns.toReversed()) {
      const neighbours = (index: number): number[] =>
        there
          ? (before.get(index) ?? []).map(({ source }) => source)
          : (after.get(index) ?? []).map(({ target }) => target);
      const wanted = new Map(column.map((index) => [index, mean(neighbours(index), index, middles)]));
      column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      stack(column, middles, cards);
    }
  }
  const corners = placed(columns, middles, { cards, gap });
  const far = (size: (index: number) => number): number =>
    cards.keys().reduce((most, index) => Math.max(most, size(index)), 0) + margin;
  return {
    width: far((index) => (corners[index]?.x ?? 0) + (cards[index]?.width ?? 0)),
    height: far((index) => (corners[index]?.y ?? 0) + (cards[index]?.height ?? 0)),
    corners,
    curves: edges.map(({ source, target }) => curve(side(source, 1), side(target, 0))),
  };

  function side(index: number, share: number): Point {
    const { x = 0, y = 0 } = corners[index] ?? {};
    const { width = 0, height = 0 } = cards[index] ?? {};
    return { x: x + width * share, y: y + height / 2 };
  }
}

/** Puts the cards of a column one below the other, in their order, around the line 0. */
function stack(column: readonly number[], middles: Map<number, number>, cards: Cards['cards']): void {
  const heights = column.map((index) => cards[index]?.height ?? 0);
  let top = -(heights.reduce((sum, height) => sum + height + rowGap, 0) - rowGap) / 2;
  for (const [position, index] of column.entries()) {
    const height = heights[position] ?? 0;
    middles.set(index, top + height / 2);
    top += height + rowGap;
  }
}

/** Where a card's neighbours are on average; where it is itself, when it has none. */
function mean(neighbours: readonly number[], self: number, middles: ReadonlyMap<number, number>): number {
  if (neighbours.length === 0) return middles.get(self) ?? 0;
  return neighbours.reduce((sum, index) => sum + (middles.get(index) ?? 0), 0) / neighbours.length;
}

function placed(
  columns: readonly (readonly number[])[],
  middles: ReadonlyMap<number, number>,
  { cards, gap }: Pick<Cards, 'cards' | 'gap'>,
): Point[] {
  const top = (index: number): number => (middles.get(index) ?? 0) - (cards[index]?.height ?? 0) / 2;
  const highest = cards.keys().reduce((least, index) => Math.min(least, top(index)), 0);
  const corners: Point[] = [];
  let x = margin;
  for (const column of columns) {
    for (const index of column) corners[index] = { x, y: top(index) - highest + margin };
    x += column.reduce((widest, index) => Math.max(widest, cards[index]?.width ?? 0), 0) + gap;
  }
  return corners;
}

/** From side to side, leaving and arriving level. */
function curve(from: Point, to: Point): Point[] {
  const bend = Math.max(60, Math.abs(to.x - from.x) / 2);
  return [from, { x: from.x + bend, y: from.y }, { x: to.x - bend, y: to.y }, to];
}
