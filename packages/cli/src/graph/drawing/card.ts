import { harmless } from '../../output/harmless.ts';
import { shortened, textWidth } from '../../output/text-width.ts';
import { type Graph, type GraphNode, type Progress, shortId } from '../graph.ts';

/** A node as it is drawn: a box with a few lines. Lengths are in pixels. */
export interface Card {
  readonly node: GraphNode;
  readonly isRoot: boolean;
  readonly title: string;
  readonly lines: readonly string[];
  /** How it got on, in a sign and a word. */
  readonly outcome?: string;
  /** Said below the box: where the graph was cut off. */
  readonly more: { readonly up: boolean; readonly down: boolean };
  /** Radius of the corners; the left side is coloured as far. */
  readonly radius: number;
  readonly width: number;
  readonly height: number;
}

/** Most lines of a card, and the longest line, in columns. */
const mostLines = 4;
const longestLine = 34;

/** Widths of one column: of titles, and of the other lines, which have a fixed pitch. */
const titleColumn = 7.7;
const lineColumn = 6.7;

export const titleHeight = 38;
export const lineHeight = 17;
/** Free space right of the text. */
const right = 14;
const narrowest = 150;

/** Where the text of a card begins, from its left side. */
export const textStart = (radius: number): number => radius + 9;

/** Signs that tell the progress without colours. */
export const signs: Readonly<Record<Progress, string>> = {
  done: '✓',
  failed: '✗',
  'under way': '▶',
  waiting: '○',
};

/** What is drawn of each node. */
export const cardsOf = (graph: Graph): Card[] => graph.nodes.map((node) => card(node, graph));

function card(node: GraphNode, { root, ends }: Graph): Card {
  const { id, kind, name, progress } = node;
  const title = shown(kind === 'Data' ? shortId(id) : name);
  const [outcome, ...rest] = kind === 'Run' ? node.lines : [undefined, ...node.lines];
  const lines = cut(rest.flatMap((line) => (line === undefined ? [] : [line])));
  const said =
    outcome === undefined || progress === undefined ? undefined : shown(`${signs[progress]} ${outcome}`);
  const radius = kind === 'Run' ? 16 : 7;
  const sideways = textStart(radius) + right;
  const columns = Math.max(...lines.map(textWidth), textWidth(said ?? ''));
  return {
    node,
    isRoot: id === root,
    title,
    lines,
    ...(said !== undefined && { outcome: said }),
    more: { up: ends.up.has(id), down: ends.down.has(id) },
    radius,
    width: Math.round(
      Math.max(narrowest, sideways + columns * lineColumn, sideways + 42 + textWidth(title) * titleColumn),
    ),
    height:
      titleHeight +
      (lines.length + (said === undefined ? 0 : 1)) * lineHeight +
      (lines.length > 0 || said ? 8 : 0),
  };
}

function cut(lines: readonly string[]): string[] {
  if (lines.length <= mostLines) return lines.map(shown);
  const rest = lines.length - (mostLines - 1);
  return [...lines.slice(0, mostLines - 1).map(shown), `… and ${rest} more`];
}

const shown = (text: string): string => shortened(harmless(text), longestLine);
