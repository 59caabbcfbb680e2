import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the dashboard asks for metrics that there are', () => {
  const { panels } = JSON.parse(read('charts/knit-app/dashboards/knitfab.json'));
  const expressions: string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  );
  const asked = expressions.flatMap((expression) => expression.match(/\bknit_\w+/g) ?? []);
  const documented = new Set(read('docs/metrics.md').match(/\bknit_\w+/g));
  const unknown = asked
    .map((name) => name.replace(/_(bucket|count|sum)$/, ''))
    .filter((name) => !documented.has(name));
  expect(asked.length).toBeGreaterThan(15);
  expect(unknown).toEqual([]);
});
