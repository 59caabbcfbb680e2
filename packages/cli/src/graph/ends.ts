import type { GraphEdge, GraphNode, Way } from './graph.ts';

interface Traversed {
  readonly root: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Whether the graph goes on. */
  readonly truncated: Readonly<Record<Way, boolean>>;
}

/**
 * The nodes at which a graph was cut off: those furthest from the root, of the root's kind, which is what depths are counted
 * in.
 */
export function endsOf({ root, nodes, edges, truncated }: Traversed): Record<Way, ReadonlySet<string>> {
  const kinds = new Map(nodes.map(({ id, kind }) => [id, kind]));
  const counts = (id: string): boolean => kinds.get(id) === kinds.get(root);
  const next = {
    up: Map.groupBy(edges, ({ to }) => to),
    down: Map.groupBy(edges, ({ from }) => from),
  };
  const furthest = (way: Way): ReadonlySet<string> => {
    const seen = new Set([root]);
    let [last, level] = [[root], [root]];
    while (level.length > 0) {
      const reached = level.flatMap((id) => next[way].get(id) ?? []).map(way === 'up' ? source : target);
      level = [...new Set(reached)].filter((id) => !seen.has(id));
      for (const id of level) seen.add(id);
      if (level.some(counts)) last = level.filter(counts);
    }
    return new Set(last);
  };
  const none: ReadonlySet<string> = new Set();
  return {
    up: truncated.up ? furthest('up') : none,
    down: truncated.down ? furthest('down') : none,
  };
}

const source = ({ from }: GraphEdge): string => from;
const target = ({ to }: GraphEdge): string => to;
