import type { Detail } from '../graph.ts';
import type { Arranged } from '../layout/layout.ts';

/** What a page knows of a graph, beside the drawing. Nodes and edges are named by their numbers. */
export interface PageContent {
  readonly root: number;
  readonly nodes: readonly PageNode[];
  readonly edges: readonly PageEdge[];
  readonly width: number;
  readonly height: number;
}

export interface PageNode {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly details: readonly Detail[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PageEdge {
  readonly source: number;
  readonly target: number;
  readonly label: string;
}

/** Longest value of a detail, in characters: a tag may have a million. */
const longestValue = 10_000;

export const pageContent = ({ cards, corners, edges, width, height }: Arranged): PageContent => ({
  root: cards.findIndex(({ isRoot }) => isRoot),
  nodes: cards.map((card, index) => ({
    id: card.node.id,
    kind: card.node.kind,
    name: card.node.name,
    details: card.node.details.map(({ label, values }) => ({ label, values: values.map(cut) })),
    x: Math.round(corners[index]?.x ?? 0),
    y: Math.round(corners[index]?.y ?? 0),
    width: card.width,
    height: card.height,
  })),
  edges: edges.map(({ source, target, label }) => ({ source, target, label: cut(label) })),
  width: Math.ceil(width),
  height: Math.ceil(height),
});

const cut = (value: string): string =>
  value.length <= longestValue
    ? value
    : `${value.slice(0, longestValue).toWellFormed()}… (${value.length} characters in all)`;

/** JSON that is safe inside a `script` element: nothing in it can end the element. */
export const embeddedJson = (content: PageContent): string =>
  JSON.stringify(content).replaceAll('<', '\\u003c');
