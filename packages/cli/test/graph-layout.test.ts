import { Invalid } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { svgFile } from '../src/graph/drawing/svg.ts';
import type { Graph } from '../src/graph/graph.ts';
import { graphvizLayout } from '../src/graph/layout/graphviz-layout.ts';
import { layeredLayout } from '../src/graph/layout/layered-layout.ts';
import { type Arranged, type Cards, type Layout, layout } from '../src/graph/layout/layout.ts';
import { ranksOf } from '../src/graph/layout/ranks.ts';
import { lineageGraph } from '../src/graph/lineage-graph.ts';
import { planGraph } from '../src/graph/plan-graph.ts';
import { lineageWithTag, longLineage, sampleLineage, samplePlans } from './sample-graphs.ts';

/** Any graph, cycles and edges to oneself included. */
const graphs = fc
  .record({
    count: fc.integer({ min: 1, max: 12 }),
    ends: fc.array(fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 11 })), { maxLength: 25 }),
  })
  .map(({ count, ends }): Graph => {
    const ids = Array.from({ length: count }, (_, index) => `plan-${index}`);
    return {
      ...{ title: 'any', root: 'plan-0', sections: { up: '', down: '' } },
      nodes: ids.map((id) => ({ id, kind: 'Plan', name: id, lines: [], words: [], details: [] })),
      edges: ends.map(([from, to]) => ({
        ...{ from: `plan-${from % count}`, to: `plan-${to % count}`, label: '/out → /in' },
      })),
      ends: { up: new Set(), down: new Set() },
    };
  });

function expectTidy(cards: Cards['cards'], { corners, curves, width, height }: Layout): void {
  const boxes = cards.map((card, index) => ({
    ...card,
    x: corners[index]?.x ?? 0,
    y: corners[index]?.y ?? 0,
  }));
  for (const [index, box] of boxes.entries()) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(box.y + box.height).toBeLessThanOrEqual(height);
    const overlapping = boxes.slice(index + 1).filter((other) => {
      const across = other.x < box.x + box.width && other.x + other.width > box.x;
      return across && other.y < box.y + box.height && other.y + other.height > box.y;
    });
    expect(overlapping).toEqual([]);
  }
  for (const curve of curves) expect(curve.length % 3).toBe(1);
}

describe('a layout', () => {
  it('puts no two cards in one place, with Graphviz as in columns', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const { cards, edges, gap } = await layout(graph);
        const ranks = ranksOf(cards.length, edges);
        for (const arranged of [
          await graphvizLayout({ cards, edges, gap }),
          layeredLayout({ cards, edges, gap }, ranks),
        ]) {
          expectTidy(cards, arranged);
          expect(arranged.curves).toHaveLength(edges.length);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('goes from left to right, as the time does', async () => {
    const { corners, edges, cards } = await layout(lineageGraph(sampleLineage));
    for (const { source, target } of edges) {
      const right = (corners[source]?.x ?? 0) + (cards[source]?.width ?? 0);
      expect(right).toBeLessThan(corners[target]?.x ?? 0);
    }
  });

  it('is there for thousands of nodes, too', async () => {
    const arranged = await layout(lineageGraph(longLineage(4500)));
    expect(arranged.corners.filter((corner) => corner !== undefined)).toHaveLength(9001);
    expect(arranged.curves).toHaveLength(13_500);
  });

  it('is refused beyond what can be shown, with advice', async () => {
    const refused = layout(lineageGraph(longLineage(6000)));
    await expect(refused).rejects.toThrow(Invalid);
    await expect(refused).rejects.toThrow(/12001 nodes .*--numbers/s);
  });
});

describe('a picture', () => {
  const picture = async (graph: Graph, arranged?: Arranged) =>
    svgFile(graph, arranged ?? (await layout(graph)));

  it('shows Data with their tags, Runs with their images and outcomes, and where it goes on', async () => {
    const svg = await picture(lineageGraph(sampleLineage));
    expect(svg).toMatch(/^<\?xml[\s\S]*<svg[\s\S]*<\/svg>\s*$/);
    expect(svg).toContain('<title>knit data lineage clean</title>');
    expect(svg).toContain('<tspan class="key">type:</tspan>clean');
    expect(svg).toContain('prep:v1');
    expect(svg).toContain('✓ done');
    expect(svg.match(/… more/g)).toHaveLength(1);
  });

  it('shows Plans with what feeds what', async () => {
    const svg = await picture(planGraph(samplePlans));
    expect(svg.match(/<g class="edge"/g)).toHaveLength(4);
    expect(svg).toContain('log → /log');
  });

  it('takes texts for texts, and cuts them', async () => {
    const hostile = await picture(lineageGraph(lineageWithTag('k:</text><script>alert(1)</script>&"\u0000')));
    expect(hostile).not.toContain('<script');
    expect(hostile).toContain('&lt;/text&gt;&lt;script&gt;');
    expect(hostile).not.toContain('\u0000');
    const large = await picture(lineageGraph(lineageWithTag(`k:${'x'.repeat(1024 * 1024)}`)));
    expect(large.length).toBeLessThan(30_000);
  });
});
