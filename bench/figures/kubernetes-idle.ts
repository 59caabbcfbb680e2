import { setTimeout } from 'node:timers/promises';
import { appDeployments } from '../../e2e/kubernetes/installation.ts';
import type { Figure, Measurement } from '../figure.ts';
import { type MeasuredCluster, measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';
import { podProcesses, processorSeconds, proportionalMebibytes } from '../kubernetes/pod-processes.ts';

const settle = 15_000;
const watched = 60_000;
const loops = appDeployments.filter((name) => name.endsWith('-leader'));

/** The components that have nothing to do: how much memory and processor time each takes. */
export const kubernetesIdle: Figure[] = [
  {
    name: 'kubernetes-idle:loop',
    what: 'the proportional memory of an idle loop: that of the largest',
    unit: 'MiB',
    goal: '≤ 45',
    meets: (value) => value <= 45,
    measure: () =>
      measured(async (pids) => {
        const each = await sums(pids, proportionalMebibytes);
        return {
          values: [Math.max(...loops.map((name) => each.get(name) ?? 0))],
          comparedWith: told(each, 0),
        };
      }),
  },
  {
    name: 'kubernetes-idle:memory',
    what: 'the proportional memory of all idle components, without the database',
    unit: 'MiB',
    goal: '≤ 400',
    meets: (value) => value <= 400,
    measure: () =>
      measured(async (pids) => {
        const each = await sums(pids, proportionalMebibytes);
        return { values: [total(each)], comparedWith: 'without PostgreSQL and the registry' };
      }),
  },
  {
    name: 'kubernetes-idle:cpu',
    what: `the processor time of all idle components over ${watched / 1000} s`,
    unit: '% of a core',
    goal: '≤ 0.5',
    meets: (value) => value <= 0.5,
    measure: () =>
      measured(async (pids) => {
        const before = await sums(pids, processorSeconds);
        await setTimeout(watched);
        const after = await sums(pids, processorSeconds);
        const percent = new Map(
          [...after].map(([name, seconds]) => [
            name,
            ((seconds - (before.get(name) ?? 0)) / (watched / 1000)) * 100,
          ]),
        );
        return { values: [total(percent)], comparedWith: told(percent, 2) };
      }),
  },
];

const total = (each: ReadonlyMap<string, number>): number =>
  [...each.values()].reduce((sum, one) => sum + one, 0);

const told = (each: ReadonlyMap<string, number>, digits: number): string =>
  [...each].map(([name, value]) => `${name} ${value.toFixed(digits)}`).join(', ');

async function measured(
  look: (pids: ReadonlyMap<string, number[]>) => Promise<Measurement>,
): Promise<Measurement> {
  const cluster = await measuredCluster();
  if (cluster === undefined) return noCluster;
  await setTimeout(settle);
  const pids = await processesOf(cluster);
  return pids.size === 0
    ? { values: [], comparedWith: 'not measured: the nodes are on other machines' }
    : look(pids);
}

/** The processes of each component, by its name. */
async function processesOf({ knitfab }: MeasuredCluster): Promise<Map<string, number[]>> {
  const ofPods = await podProcesses();
  const found = new Map<string, number[]>();
  for (const name of appDeployments) {
    const pids = (await knitfab.pods(name)).flatMap(({ metadata }) => ofPods.get(metadata.uid) ?? []);
    if (pids.length > 0) found.set(name, pids);
  }
  return found;
}

async function sums(
  pids: ReadonlyMap<string, number[]>,
  measure: (pid: number) => Promise<number>,
): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (const [name, list] of pids) {
    const values = await Promise.all(list.map(measure));
    all.set(
      name,
      values.reduce((sum, each) => sum + each, 0),
    );
  }
  return all;
}
