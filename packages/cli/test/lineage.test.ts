import type { Lineage } from '@knitfab/api';
import { instance } from '@viz-js/viz';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { lineageDot } from '../src/lineage/dot.ts';
import { lineageSvg } from '../src/lineage/svg.ts';
import { lineageText } from '../src/lineage/text.ts';

const run = (runId: string, image: string) => ({
  runId,
  status: 'done' as const,
  updatedAt: '2024-03-06T09:25:16.586+00:00',
  plan: { planId: `plan-of-${runId}`, image },
});

/** raw → prep → clean (+ log) → train → model; raw is used by train, too. */
const example: Lineage = {
  root: 'clean',
  data: ['raw', 'clean', 'log', 'model'].map((knitId) => ({
    knitId,
    tags: [`knit#id:${knitId}`, `type:${knitId}`],
  })),
  runs: [run('prep', 'prep:v1'), run('train', 'train:v2')],
  edges: [
    { runId: 'prep', knitId: 'raw', role: 'input', path: '/in' },
    { runId: 'prep', knitId: 'clean', role: 'output', path: '/out' },
    { runId: 'prep', knitId: 'log', role: 'log' },
    { runId: 'train', knitId: 'clean', role: 'input', path: '/in/clean' },
    { runId: 'train', knitId: 'raw', role: 'input', path: '/in/raw' },
    { runId: 'train', knitId: 'model', role: 'output', path: '/out' },
  ],
  truncated: { up: false, down: true },
};

function withTag(tag: string): Lineage {
  return { ...example, data: example.data.map((data) => ({ ...data, tags: [tag] })) };
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const fromXml = (text: string): string =>
  text.replaceAll(/&(?:#(x?)([0-9a-f]+)|(\w+));/gi, (_, hex, code, name) =>
    name ? (entities[name] ?? '?') : String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)),
  );

describe('a lineage as DOT', () => {
  let graphviz: Awaited<ReturnType<typeof instance>>;
  beforeAll(async () => {
    graphviz = await instance();
  });

  it('has a node for each Data and Run, an edge for each use, and a root that stands out', () => {
    const graph = graphviz.renderJSON(lineageDot(example)) as {
      objects: { name: string; label: string; penwidth?: string }[];
      edges: { label: string }[];
    };
    expect(graph.objects.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['data:raw', 'data:clean', 'data:log', 'data:model', 'run:prep', 'run:train']),
    );
    expect(graph.edges.map(({ label }) => label).sort()).toEqual([
      '/in',
      '/in/clean',
      '/in/raw',
      '/out',
      '/out',
      'log',
    ]);
    expect(graph.objects.filter(({ penwidth }) => penwidth !== undefined).map(({ name }) => name)).toEqual([
      'data:clean',
    ]);
  });

  it('shows any text as it is, whatever it means to Graphviz', () => {
    const texts = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '&lt;',
          '&#65;',
          '"',
          '\\',
          '\\N',
          '\\n',
          '\\l',
          '<',
          '>',
          '&',
          ';',
          '{',
          '}',
          '|',
          ']',
          '日',
          '#',
          "'",
        ),
        fc
          .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
          .filter((text) => !/[\p{C}\s]/u.test(text)),
      ),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(texts, (text) => {
        const svg = graphviz.renderString(lineageDot(withTag(`k:${text}`)), { format: 'svg' });
        const shown = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, content = '']) =>
          fromXml(content),
        );
        expect(shown.filter((line) => line === `k:${text}`)).toHaveLength(example.data.length);
      }),
      { numRuns: 200 },
    );
  });

  it('stays readable with large and many tags', () => {
    const many = {
      ...example,
      data: [{ knitId: 'raw', tags: Array.from({ length: 50 }, (_, i) => `k:${i}`) }],
    };
    expect(lineageDot(many)).toContain('and 38 more');
    expect(lineageDot(withTag(`k:${'x'.repeat(1000)}`)).length).toBeLessThan(3000);
  });

  it('becomes an SVG picture without Graphviz being installed', async () => {
    const svg = await lineageSvg(example);
    expect(svg).toMatch(/^<\?xml[\s\S]*<svg[\s\S]*type:clean[\s\S]*<\/svg>\s*$/);
  });
});

describe('a lineage as text', () => {
  it('shows what the root was made from and what was made from it', () => {
    expect(lineageText(example)).toBe(
      [
        'Data clean  type:clean',
        '',
        'made from',
        '└─ /out  Run prep  done  prep:v1',
        '   └─ /in  Data raw  type:raw',
        '',
        'used for',
        '└─ /in/clean  Run train  done  train:v2',
        '   └─ /out  Data model  type:model',
        '',
        '… and further: raise --numbers, or say "--numbers all".',
      ].join('\n'),
    );
  });

  it('names what comes again without drawing it again, so that it ends', () => {
    // Both inputs of a comparison come from the same Data.
    const diamond: Lineage = {
      root: 'result',
      data: ['raw', 'a', 'b', 'result'].map((knitId) => ({ knitId, tags: [] })),
      runs: [run('upload', 'u:1'), run('split', 's:1'), run('compare', 'c:1')],
      edges: [
        { runId: 'upload', knitId: 'raw', role: 'output', path: '/upload' },
        { runId: 'split', knitId: 'raw', role: 'input', path: '/in' },
        { runId: 'split', knitId: 'a', role: 'output', path: '/a' },
        { runId: 'split', knitId: 'b', role: 'output', path: '/b' },
        { runId: 'compare', knitId: 'a', role: 'input', path: '/1' },
        { runId: 'compare', knitId: 'b', role: 'input', path: '/2' },
        { runId: 'compare', knitId: 'result', role: 'output', path: '/out' },
      ],
      truncated: { up: false, down: false },
    };
    const text = lineageText(diamond);
    expect(text.match(/Run split/g)).toHaveLength(2);
    expect(text.match(/\(see above\)/g)).toHaveLength(1);
    expect(text.match(/Data raw/g)).toHaveLength(1);
  });

  it('obeys no control character of a tag', () => {
    expect(lineageText(withTag('k:\x1b[2J'))).not.toContain('\x1b');
  });
});
