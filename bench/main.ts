// npm run bench -- [--only NAME[,NAME]] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Result, result } from './figure.ts';
import { chain } from './figures/chain.ts';
import { cli } from './figures/cli.ts';
import { containerHop } from './figures/container-hop.ts';
import { history } from './figures/history.ts';
import { hop } from './figures/hop.ts';
import { idle } from './figures/idle.ts';
import { lineage } from './figures/lineage.ts';
import { projection } from './figures/projection.ts';
import { endScale, scale } from './figures/scale.ts';
import { smallFiles } from './figures/small-files.ts';
import { throughput } from './figures/throughput.ts';
import { transfer } from './figures/transfer.ts';
import { removeLeftovers } from './leftovers.ts';

// Those that make many files come first: the others delete theirs, see leftovers.ts.
const figures = [
  ...smallFiles,
  ...transfer,
  hop,
  chain,
  throughput,
  projection,
  containerHop,
  history,
  ...lineage,
  ...idle,
  cli,
  ...scale,
];

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const wanted = values.only?.split(',');
const unknown = wanted?.filter(
  (name) => !figures.some((figure) => figure.name.split(':')[0] === name.split(':')[0]),
);
if (unknown !== undefined && unknown.length > 0) {
  console.error(
    `There is no figure ${unknown.join(', ')}. There are: ${figures.map((figure) => figure.name).join(', ')}`,
  );
  process.exit(2);
}

const results: Result[] = [];
for (const figure of figures) {
  if (
    wanted !== undefined &&
    !wanted.includes(figure.name) &&
    !wanted.includes(figure.name.split(':')[0] ?? '')
  )
    continue;
  console.error(`measuring ${figure.name}: ${figure.what} …`);
  results.push(await result(figure));
}

await endScale();
await removeLeftovers();

const round = (value: number) => Number(value.toPrecision(3));
console.table(
  Object.fromEntries(
    results.map(({ name, value, unit, goal, met, n, min, max, compared_with = '' }) => [
      name,
      {
        value: round(value),
        unit,
        goal,
        met,
        n,
        min: round(min),
        max: round(max),
        'compared with': compared_with,
      },
    ]),
  ),
);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
