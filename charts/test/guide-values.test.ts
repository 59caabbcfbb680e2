import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Chart, chartDirectory, charts } from './helm.ts';

const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const guides = { en: read('admin-guide.md'), ja: read('ja/admin-guide.md') };
const valuesOf = (chart: Chart): object =>
  parse(readFileSync(join(chartDirectory(chart), 'values.yaml'), 'utf8'));

/** Every value with its path, `nfs.image.repository` for example. */
function* leaves(values: object, path = ''): Generator<[path: string, value: unknown]> {
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield* leaves(value, `${path}${key}.`);
    else yield [path + key, value];
  }
}

describe.each(Object.entries(guides))('the administrator’s guide (%s)', (_language, guide) => {
  test('says, of each image that is made of these sources, which value names another repository', () => {
    const ours = charts
      .flatMap((chart) => [...leaves(valuesOf(chart))].map(([path, value]) => ({ chart, path, value })))
      .filter(({ value }) => /^ghcr\.io\/opst\/knitfab\//.test(String(value)));
    expect(ours.map(({ path }) => path)).toEqual(['nfs.image.repository', 'image.repository']);
    const words = guide.replaceAll(/[\s>]+/g, ' ');
    for (const { chart, path, value } of ours) {
      const image = String(value).replace('ghcr.io/opst/', 'registry.example.com/');
      expect(words).toContain(`\`${path}: ${image}\``);
      expect(words).toContain(`values/${chart}.yaml`);
    }
  });

  test('names in its table of values only those that there are', () => {
    const rows = [...guide.matchAll(/^\| `(knit-[a-z-]+)\.yaml` \| (.*?) \|/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, chart, names = ''] of rows) {
      const there = [...leaves(valuesOf(chart as Chart))].map(([path]) => path);
      for (const [, name = ''] of names.matchAll(/`([\w.]+)`/g))
        expect(there, name).toContainEqual(expect.stringMatching(new RegExp(`^${name}(\\.|$)`)));
    }
  });
});
