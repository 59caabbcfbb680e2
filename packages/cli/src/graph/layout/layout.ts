import { Invalid } from '@knitfab/core';
import { note } from '../../output/print.ts';
import { type Card, cardsOf } from '../drawing/card.ts';
import { roomForLabels } from '../drawing/edge-label.ts';
import type { Graph, GraphEdge } from '../graph.ts';
import { graphvizLayout } from './graphviz-layout.ts';
import { layeredLayout } from './layered-layout.ts';
import { ranksOf } from './ranks.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything is, in pixels from the upper left corner. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The upper left corners of the cards. */
  readonly corners: readonly Point[];
  /** The course of each edge: a point, and then three for each cubic Bézier curve. */
  readonly curves: readonly (readonly Point[])[];
}

/** A graph's cards, and the edges between them by their places in the list of cards. */
export interface Cards {
  /** Room between columns of cards, for the labels of edges. */
  readonly gap: number;
  readonly cards: readonly Card[];
  readonly edges: readonly (GraphEdge & { readonly source: number; readonly target: number })[];
}

export type Arranged = Cards & Layout;

/**
 * Up to here Graphviz takes a second or two, beyond it soon minutes. It spends its time on every rank that an edge crosses, so
 * these count like nodes.
 */
const mostForGraphviz = 6_000;

/** What a browser still shows. */
const mostNodes = 10_000;
const mostEdges = 40_000;

/**
 * Arranges the cards of a graph from left to right.
 * @throws {Invalid} when there are too many
 */
export async function layout(graph: Graph): Promise<Arranged> {
  const { length: nodes } = graph.nodes;
  const { length: count } = graph.edges;
  if (nodes > mostNodes || count > mostEdges) {
    throw new Invalid({
      reason: `${nodes} nodes and ${count} edges are too many for a picture: it shows up to ${mostNodes} and ${mostEdges}`,
      advice: 'Ask for less with --numbers, -u or -d, or for --format text, dot or json.',
    });
  }
  const cards = cardsOf(graph);
  const places = new Map(graph.nodes.map(({ id }, index) => [id, index]));
  const edges = graph.edges.map((edge) => ({
    ...edge,
    source: places.get(edge.from) ?? 0,
    target: places.get(edge.to) ?? 0,
  }));
  const gap = roomForLabels(edges.map(({ label }) => label));
  const ranks = ranksOf(nodes, edges);
  const crossed = edges.reduce(
    (sum, { source, target }) => sum + Math.abs((ranks[target] ?? 0) - (ranks[source] ?? 0)),
    0,
  );
  if (nodes + crossed <= mostForGraphviz) {
    return { cards, edges, gap, ...(await graphvizLayout({ cards, edges, gap })) };
  }
  note(`${nodes} nodes and ${count} edges: arranged in columns, since a finer arrangement would take long.`);
  return { cards, edges, gap, ...layeredLayout({ cards, edges, gap }, ranks) };
}
