interface Ends {
  readonly source: number;
  readonly target: number;
}

/**
 * The column of each node: right of all that lead to it. Edges that close a cycle don't count.
 * @returns a number from 0 on for each node
 */
export function ranksOf(nodes: number, edges: readonly Ends[]): number[] {
  const next = Map.groupBy(edges, ({ source }) => source);
  const order = sorted(nodes, next);
  const positions = new Map(order.map((node, position) => [node, position]));
  const ranks = new Array<number>(nodes).fill(0);
  for (const [position, node] of order.entries()) {
    for (const { target } of next.get(node) ?? []) {
      const closesCycle = (positions.get(target) ?? 0) <= position;
      if (!closesCycle) ranks[target] = Math.max(ranks[target] ?? 0, (ranks[node] ?? 0) + 1);
    }
  }
  return ranks;
}

/** The nodes in topological order: depth first, each before all that were found from it. */
function sorted(nodes: number, next: ReadonlyMap<number, readonly Ends[]>): number[] {
  const finished: number[] = [];
  const seen = new Set<number>();
  for (let start = 0; start < nodes; start++) {
    const path = seen.has(start) ? [] : [{ node: start, index: 0 }];
    seen.add(start);
    for (let here = path.at(-1); here !== undefined; here = path.at(-1)) {
      const edge = next.get(here.node)?.[here.index++];
      if (edge === undefined) {
        finished.push(here.node);
        path.pop();
      } else if (!seen.has(edge.target)) {
        seen.add(edge.target);
        path.push({ node: edge.target, index: 0 });
      }
    }
  }
  return finished.reverse();
}
