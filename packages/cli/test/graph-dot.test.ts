import { spawnSync } from 'node:child_process';
import type { Lineage } from '@knitfab/api';
import { instance } from '@viz-js/viz';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { dot } from '../src/graph/dot.ts';
import { lineageGraph } from '../src/graph/lineage-graph.ts';
import { planGraph } from '../src/graph/plan-graph.ts';
import { lineageWithTag, sampleLineage, samplePlans } from './sample-graphs.ts';

const lineageDot = (lineage: Lineage): string => dot(lineageGraph(lineage));

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const fromXml = (text: string): string =>
  text.replaceAll(/&(?:#(x?)([0-9a-f]+)|(\w+));/gi, (_, hex, code, name) =>
    name ? (entities[name] ?? '?') : String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)),
  );

/** The texts of a picture that Graphviz drew. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, content = '']) =>
    fromXml(content).replaceAll('\u00a0', ' '),
  );

/** What means something to Graphviz, to XML or to nobody. */
const hostileTexts = [
  'say:"hi"',
  'path:C:\\N\\new\\\\',
  'ends:\\',
  'line:one\ntwo\r\nthree',
  'html:<b>bold</b><br/>',
  'label:<<table><tr><td>x</td></tr></table>>',
  'entity:&lt;&amp;&#65;&eacute;',
  'record:{a|b}',
  'comment:/* # // */;',
  '言語:日本語のタグ、絵文字🧶',
  'tab:a\tb',
  'surrogate:\ud83d',
];

describe('a graph as DOT', () => {
  let graphviz: Awaited<ReturnType<typeof instance>>;
  beforeAll(async () => {
    graphviz = await instance();
  });

  it('has a node for each Data and Run, an edge for each use, and a root that stands out', () => {
    const graph = graphviz.renderJSON(lineageDot(sampleLineage)) as {
      name: string;
      objects: { name: string; label: string; penwidth?: string }[];
      edges: { label: string }[];
    };
    expect(graph.name).toBe('knit data lineage clean');
    expect(graph.objects.map(({ name }) => name).sort()).toEqual([
      'clean',
      'log',
      'model',
      'prep',
      'raw',
      'train',
    ]);
    expect(graph.edges.map(({ label }) => label).sort()).toEqual([
      '/in',
      '/in/clean',
      '/in/raw',
      '/out',
      '/out',
      'log',
    ]);
    expect(graph.objects.filter(({ penwidth }) => penwidth !== undefined).map(({ name }) => name)).toEqual([
      'clean',
    ]);
    const labels = new Map(graph.objects.map(({ name, label }) => [name, label]));
    expect(labels.get('model')).toMatch(/… more$/);
    expect(labels.get('raw')).not.toContain('… more');
    expect(labels.get('prep')).toContain('done');
  });

  it('tells failed and waiting Runs from others without colours', () => {
    const [first, second] = sampleLineage.runs;
    if (first === undefined || second === undefined) throw new Error('the sample has two Runs');
    const drawn = lineageDot({
      ...sampleLineage,
      runs: [
        { ...first, status: 'failed', exit: { code: 3, message: '(container main) Error' } },
        { ...second, status: 'waiting' },
      ],
    });
    expect(drawn).toMatch(/"prep" \[label=".*failed, exit 3: \(container main\) Error.*peripheries="2"/);
    expect(drawn).toMatch(/"train" \[.*style="filled,dotted"/);
  });

  it('shows connected Plans with what feeds what', () => {
    const { objects, edges } = graphviz.renderJSON(dot(planGraph(samplePlans))) as {
      objects: { name: string; label: string }[];
      edges: { label: string }[];
    };
    const labels = new Map(objects.map(({ name, label }) => [name, label]));
    expect(labels.get('clean')).toContain("clean:v1\\nsh -c 'echo hello'");
    expect(labels.get('again')).toContain('team=research');
    expect(edges.map(({ label }) => label).sort()).toEqual([
      '/out → /in',
      '/out → /in',
      '/out → /in',
      'log → /log',
    ]);
  });

  it('shows any text as it is, whatever it means to Graphviz', () => {
    const texts = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...['&lt;', '&#65;', '"', '\\', '\\N', '\\n', '\\l', '<', '>', '&', ';', '日']),
        fc.constantFrom(...['{', '}', '|', ']', '#', "'"]),
        fc
          .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
          .filter((text) => !/[\p{C}\s]/u.test(text)),
      ),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(texts, (text) => {
        const svg = graphviz.renderString(lineageDot(lineageWithTag(`k:${text}`)), { format: 'svg' });
        expect(textsOf(svg).filter((line) => line === `k:${text}`)).toHaveLength(sampleLineage.data.length);
      }),
      { numRuns: 100 },
    );
  });

  it('stays readable with large and many tags', () => {
    const tags = Array.from({ length: 5000 }, (_, index) => `k:${index}`);
    const many = lineageDot({ ...sampleLineage, data: [{ knitId: 'raw', tags }] });
    expect(many).toContain('and 4988 more');
    expect(many.length).toBeLessThan(3000);
    const large = lineageDot(lineageWithTag(`k:${'x'.repeat(1024 * 1024)}`));
    expect(large).toContain('x…');
    expect(large.length).toBeLessThan(3000);
  });
});

const hasGraphviz = spawnSync('dot', ['-V']).status === 0;

describe.skipIf(!hasGraphviz)("Graphviz's own dot", () => {
  const drawn = (source: string): string => {
    const { status, stdout, stderr } = spawnSync('dot', ['-Tsvg'], { input: source, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };

  it('takes graphs with hostile texts without a word, and shows them', () => {
    const lineage = {
      ...sampleLineage,
      data: hostileTexts.map((tag, index) => ({ knitId: `data-${index}`, tags: [tag] })),
      edges: hostileTexts.map((path, index) => ({
        ...{ runId: 'prep', knitId: `data-${index}`, role: 'input' as const, path },
      })),
      runs: sampleLineage.runs.map((run) => ({
        ...run,
        plan: { ...run.plan, image: 'a"b\\', args: hostileTexts },
      })),
    };
    const texts = textsOf(drawn(lineageDot({ ...lineage, root: 'data-0' })));
    for (const text of [
      'say:"hi"',
      'path:C:\\N\\new\\\\',
      'ends:\\',
      'html:<b>bold</b><br/>',
      'record:{a|b}',
    ])
      expect(texts.filter((line) => line === text)).toHaveLength(2);
    expect(texts).toContain('言語:日本語のタグ、絵文字🧶');
    expect(texts).toContain('line:one\\x0atwo\\x0d\\x0athree');
  });

  it('takes ids that no server of ours gives', () => {
    const data = ['"', '\\', 'a\\', '<x>', '-1', 'node', '日'].map((knitId) => ({ knitId, tags: [] }));
    drawn(lineageDot({ root: '\\', data, runs: [], edges: [], truncated: { up: true, down: true } }));
  });

  it('takes connected Plans', () => {
    expect(textsOf(drawn(dot(planGraph(samplePlans))))).toContain('log → /log');
  });
});
