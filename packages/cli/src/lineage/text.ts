import type { Lineage, LineageEdge } from '@knitfab/api';
import { outcomeInWords, planInWords, transience, userTagsOf } from '../output/describe.ts';
import { styled } from '../output/style.ts';
import { harmless } from '../output/table.ts';
import { shortened } from '../output/text-width.ts';

/** Longest command that is shown, in columns. */
const longestPlan = 60;

interface Branch {
  readonly text: string;
  readonly branches: readonly Branch[];
}

/** Writes a lineage as trees: what the root was made from, and what was made from it. What comes again is named only. */
export function lineageText(lineage: Lineage): string {
  const tree = new LineageTree(lineage);
  const { up, down } = lineage.truncated;
  return [
    styled('bold', tree.describe(lineage.root)),
    ...section('made from', tree.branches(lineage.root, 'up'), up),
    ...section('used for', tree.branches(lineage.root, 'down'), down),
  ].join('\n');
}

function section(title: string, branches: readonly Branch[], truncated: boolean): string[] {
  if (branches.length === 0) return [];
  const more = truncated ? ['', '… and further: raise --numbers, or say "--numbers all".'] : [];
  return [
    '',
    title,
    ...branches.flatMap((branch, index) => drawn(branch, index === branches.length - 1)),
    ...more,
  ];
}

function drawn({ text, branches }: Branch, isLast: boolean): string[] {
  const below = branches.flatMap((branch, index) => drawn(branch, index === branches.length - 1));
  return [`${isLast ? '└─' : '├─'} ${text}`, ...below.map((line) => `${isLast ? '  ' : '│ '} ${line}`)];
}

class LineageTree {
  readonly #edgesOfData: Map<string, LineageEdge[]>;
  readonly #edgesOfRun: Map<string, LineageEdge[]>;
  readonly #texts: Map<string, string>;

  constructor(lineage: Lineage) {
    this.#edgesOfData = Map.groupBy(lineage.edges, ({ knitId }) => knitId);
    this.#edgesOfRun = Map.groupBy(lineage.edges, ({ runId }) => runId);
    this.#texts = new Map([
      ...lineage.data.map(({ knitId, tags }) => [knitId, dataInWords(knitId, tags)] as const),
      ...lineage.runs.map(
        (run) =>
          [
            run.runId,
            `Run ${run.runId}  ${outcomeInWords(run)}  ${shortened(planInWords(run.plan), longestPlan)}`,
          ] as const,
      ),
    ]);
  }

  describe(id: string): string {
    return harmless(this.#texts.get(id) ?? id);
  }

  /** What lies beyond a node on the way up or down. */
  branches(id: string, way: 'up' | 'down', seen = new Set<string>()): Branch[] {
    const isRun = this.#edgesOfRun.has(id);
    const edges = (isRun ? this.#edgesOfRun : this.#edgesOfData).get(id) ?? [];
    return edges
      .filter(({ role }) => (role === 'input') === (isRun === (way === 'up')))
      .map((edge) => this.#branch(isRun ? edge.knitId : edge.runId, edge, way, seen));
  }

  #branch(id: string, { role, path }: LineageEdge, way: 'up' | 'down', seen: Set<string>): Branch {
    const place = harmless(role === 'log' ? 'log' : (path ?? ''));
    const again = seen.has(id) && this.branches(id, way, new Set(seen)).length > 0;
    seen.add(id);
    const text = `${place}  ${this.describe(id)}${again ? '  (see above)' : ''}`;
    return { text, branches: again ? [] : this.branches(id, way, seen) };
  }
}

function dataInWords(knitId: string, tags: readonly string[]): string {
  const state = transience(tags);
  return [`Data ${knitId}`, ...(state === undefined ? [] : [`(${state})`]), ...userTagsOf(tags)].join('  ');
}
