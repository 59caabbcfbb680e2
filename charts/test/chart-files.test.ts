import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartDirectory, charts, whatHelmLacks } from './helm.ts';

const lack = whatHelmLacks();
const read = (chart: (typeof charts)[number], path: string) =>
  readFileSync(join(chartDirectory(chart), path), 'utf8');

describe.each(charts)('the files of %s', (chart) => {
  test.skipIf(lack !== undefined)(`pass helm's strict lint${lack ? ` (skipped: ${lack})` : ''}`, () => {
    const { status, stdout } = spawnSync('helm', ['lint', '--strict', chartDirectory(chart)], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  test('have the version of the program', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(parse(read(chart, 'Chart.yaml'))).toMatchObject({ version, appVersion: `v${version}` });
  });

  test('name images and objects by the same templates as the other charts', () => {
    expect(read(chart, 'templates/_common.tpl')).toBe(read('knit-app', 'templates/_common.tpl'));
  });

  test('have a schema that knows every value, and no other', () => {
    const schema = JSON.parse(read(chart, 'values.schema.json'));
    const known = Object.keys(schema.properties);
    expect(known).toEqual(expect.arrayContaining(Object.keys(parse(read(chart, 'values.yaml')))));
    expect(schema.additionalProperties).toBe(false);
  });
});
