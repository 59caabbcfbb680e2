import { harmless } from '../output/harmless.ts';
import { styled } from '../output/style.ts';
import { shortened } from '../output/text-width.ts';
import type { Graph, GraphEdge, GraphNode, Way } from './graph.ts';

/** Longest tag, command or path that is shown, in columns. */
const longestPart = 60;
/** The most tags that are shown. */
const mostParts = 12;

/** Writes a graph as two trees: what the root comes from, and where it leads. What comes again is named only. */
export function text(graph: Graph): string {
  const words = new Map(graph.nodes.map((node) => [node.id, inWords(node)]));
  const lines = [
    styled('bold', words.get(graph.root) ?? graph.root),
    ...section(graph, words, 'up'),
    ...section(graph, words, 'down'),
  ];
  return `${lines.join('\n')}\n`;
}

function section(graph: Graph, words: ReadonlyMap<string, string>, way: Way): string[] {
  const lines = [...branches(graph, words, way)];
  if (lines.length === 0) return [];
  const advice =
    graph.ends[way].size > 0 ? ['', 'To see more, raise --numbers, or say "--numbers all".'] : [];
  return ['', graph.sections[way], ...lines, ...advice];
}

interface Level {
  readonly edges: readonly GraphEdge[];
  /** The next of them. */
  index: number;
  readonly indentation: string;
}

/** The lines of the tree below the root. Graphs may be deeper than functions can call themselves. */
function* branches(
  { root, edges, ends }: Graph,
  words: ReadonlyMap<string, string>,
  way: Way,
): Generator<string> {
  const next = Map.groupBy(edges, ({ from, to }) => (way === 'up' ? to : from));
  const seen = new Set([root]);
  if (ends[way].has(root)) yield '└─ … more';
  const levels: Level[] = [{ edges: next.get(root) ?? [], index: 0, indentation: '' }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const edge = level.edges[level.index++];
    if (edge === undefined) {
      levels.pop();
      continue;
    }
    const id = way === 'up' ? edge.from : edge.to;
    const isLast = level.index === level.edges.length;
    const below = next.get(id) ?? [];
    const again = seen.has(id) && below.length > 0;
    seen.add(id);
    yield `${level.indentation}${isLast ? '└─' : '├─'} ${part(edge.label)}  ${words.get(id) ?? id}${again ? '  (see above)' : ''}`;
    const indentation = `${level.indentation}${isLast ? '   ' : '│  '}`;
    if (ends[way].has(id)) yield `${indentation}└─ … more`;
    else if (!again) levels.push({ edges: below, index: 0, indentation });
  }
}

const part = (text: string): string => shortened(harmless(text), longestPart);

function inWords({ id, kind, words }: GraphNode): string {
  const rest = words.length - mostParts;
  return [
    `${kind} ${part(id)}`,
    ...words.slice(0, mostParts).map(part),
    ...(rest > 0 ? [`… and ${rest} more`] : []),
  ].join('  ');
}
