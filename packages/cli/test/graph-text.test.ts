import type { Lineage } from '@knitfab/api';
import { describe, expect, it } from 'vitest';
import { lineageGraph } from '../src/graph/lineage-graph.ts';
import { planGraph } from '../src/graph/plan-graph.ts';
import { text } from '../src/graph/text.ts';
import { diamond, lineageWithTag, longLineage, sampleLineage, samplePlans } from './sample-graphs.ts';

const lineageText = (lineage: Lineage): string => text(lineageGraph(lineage));

describe('a graph as text', () => {
  it('shows what the root was made from and what was made from it', () => {
    expect(lineageText(sampleLineage)).toBe(
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
        '      └─ … more',
        '',
        'To see more, raise --numbers, or say "--numbers all".',
        '',
      ].join('\n'),
    );
  });

  it('lists the inputs of a Run by path', () => {
    const edges = [...diamond.edges].reverse();
    const lines = lineageText({ ...diamond, edges }).split('\n');
    const paths = lines.flatMap((line) => /─ (\/[12]) /.exec(line)?.[1] ?? []);
    expect(paths).toEqual(['/1', '/2']);
  });

  it('names what comes again without drawing it again, so that it ends', () => {
    const drawn = lineageText(diamond);
    expect(drawn.match(/Run split/g)).toHaveLength(2);
    expect(drawn.match(/\(see above\)/g)).toHaveLength(1);
    expect(drawn.match(/Data raw/g)).toHaveLength(1);
  });

  it('ends for Plans that feed each other', () => {
    expect(text(planGraph(samplePlans))).toBe(
      [
        'Plan clean  clean:v1 sh -c echo hello',
        '',
        'fed by',
        '└─ /out → /in  Plan again  again:v1',
        '   └─ /out → /in  Plan clean  clean:v1 sh -c echo hello  (see above)',
        '',
        'feeds',
        '└─ /out → /in  Plan again  again:v1',
        '   ├─ /out → /in  Plan clean  clean:v1 sh -c echo hello  (see above)',
        '   ├─ /out → /in  Plan report  report:v1',
        '   └─ log → /log  Plan report  report:v1',
        '',
      ].join('\n'),
    );
  });

  it('says that there is more also where nothing else is shown', () => {
    const alone = { root: 'raw', data: [{ knitId: 'raw', tags: [] }], runs: [], edges: [] };
    expect(lineageText({ ...alone, truncated: { up: false, down: true } })).toContain(
      'used for\n└─ … more\n',
    );
  });

  it('cuts large tags, counts many, and obeys no control character', () => {
    const large = lineageText(lineageWithTag(`k:${'x'.repeat(1024 * 1024)}`));
    expect(Math.max(...large.split('\n').map((line) => line.length))).toBeLessThan(200);
    const tags = Array.from({ length: 5000 }, (_, index) => `k:${index}`);
    expect(lineageText({ ...sampleLineage, data: [{ knitId: 'clean', tags }] })).toContain('… and 4988 more');
    expect(lineageText(lineageWithTag('k:\x1b[2J'))).not.toContain('\x1b');
  });

  it('goes deeper than functions can call themselves', () => {
    expect(lineageText(longLineage(5000))).toContain('Run run-4999 ');
  });
});
