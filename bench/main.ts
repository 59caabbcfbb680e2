// npm run bench -- [--only NAME[,NAME]] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Figure, type Result, result } from './figure.ts';
import { chain } from './figures/chain.ts';
import { cli } from './figures/cli.ts';
import { containerHop } from './figures/container-hop.ts';
import { history } from './figures/history.ts';
import { hop } from './figures/hop.ts';
import { idle } from './figures/idle.ts';
import { kubernetesChain } from './figures/kubernetes-chain.ts';
import { kubernetesHop } from './figures/kubernetes-hop.ts';
import { kubernetesIdle } from './figures/kubernetes-idle.ts';
import { kubernetesInstall } from './figures/kubernetes-install.ts';
import { kubernetesPush } from './figures/kubernetes-push.ts';
import { kubernetesStart } from './figures/kubernetes-start.ts';
import { kubernetesTogether } from './figures/kubernetes-together.ts';
import { kubernetesTransfer } from './figures/kubernetes-transfer.ts';
import { lineage } from './figures/lineage.ts';
import { projection } from './figures/projection.ts';
import { endScale, scale } from './figures/scale.ts';
import { smallFiles } from './figures/small-files.ts';
import { throughput } from './figures/throughput.ts';
import { transfer } from './figures/transfer.ts';
import { endMeasuredCluster } from './kubernetes/measured-cluster.ts';
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
  // They share one installation, which is idle at first.
  kubernetesInstall,
  ...kubernetesIdle,
  ...kubernetesStart,
  kubernetesPush,
  kubernetesHop,
  kubernetesChain,
  ...kubernetesTransfer,
  ...kubernetesTogether,
];

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const wanted = values.only?.split(',');
/** A figure's own name, or what it begins with: `scale` is all that begin with `scale:`, `kubernetes` all with `kubernetes-`. */
const names = (name: string, figure: Figure) =>
  figure.name === name || figure.name.startsWith(`${name}:`) || figure.name.startsWith(`${name}-`);
const unknown = wanted?.filter((name) => !figures.some((figure) => names(name, figure)));
if (unknown !== undefined && unknown.length > 0) {
  console.error(
    `There is no figure ${unknown.join(', ')}. There are: ${figures.map((figure) => figure.name).join(', ')}`,
  );
  process.exit(2);
}

const results: Result[] = [];
try {
  for (const figure of figures) {
    if (wanted !== undefined && !wanted.some((name) => names(name, figure))) continue;
    console.error(`measuring ${figure.name}: ${figure.what} …`);
    results.push(await result(figure));
  }
} finally {
  await endScale();
  await endMeasuredCluster();
  await removeLeftovers();
}

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
