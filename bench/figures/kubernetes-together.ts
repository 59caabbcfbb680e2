import type { Figure } from '../figure.ts';
import { type BareJob, image } from '../kubernetes/bare-jobs.ts';
import { type MeasuredCluster, measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';

interface Crowd {
  readonly name: string;
  readonly what: string;
  readonly goal: number;
  /** Combinations of so many Data for one input with so many for the other: that many Runs. */
  readonly left: number;
  readonly right: number;
  readonly command: readonly string[];
  /** New volumes of each. */
  readonly volumes: 0 | 2;
}

const resources = { cpu: '10m', memory: '32Mi' };

/** How long many Runs that are ready at once take, from the moment that they may start until the last is done ÷ bare Jobs. */
function crowd({ name, what, goal, left, right, command, volumes }: Crowd): Figure {
  return {
    name,
    what: `${what}, beside as many bare Jobs`,
    unit: '× bare Jobs',
    goal: `≤ ${goal}`,
    meets: (value) => value <= goal,
    async measure() {
      const cluster = await measuredCluster();
      if (cluster === undefined) return noCluster;
      const theirs = await bareSeconds(cluster);
      const ours = await runSeconds(cluster);
      return {
        values: [ours / theirs],
        comparedWith: `bare Jobs ${theirs.toFixed(1)} s, Runs ${ours.toFixed(1)} s`,
      };
    },
  };

  async function bareSeconds({ bare }: MeasuredCluster): Promise<number> {
    const inputs = [`${name}-left`, `${name}-right`];
    await bare.makeInputs(inputs);
    const jobs = Array.from(
      { length: left * right },
      (_, nr): BareJob => ({ name: `${name}-${nr}`, command, volumes, inputs, resources }),
    );
    const begun = performance.now();
    await bare.create(jobs);
    await bare.ended(jobs);
    const seconds = (performance.now() - begun) / 1000;
    await bare.remove(jobs);
    return seconds;
  }

  async function runSeconds({ knitfab, source }: MeasuredCluster): Promise<number> {
    for (let nr = 0; nr < left; nr++) await knitfab.push(source, `${name}:left`);
    for (let nr = 0; nr < right; nr++) await knitfab.push(source, `${name}:right`);
    const planId = await knitfab.register({
      image,
      entrypoint: [...command],
      inputs: [
        { path: '/left', tags: [`${name}:left`] },
        { path: '/right', tags: [`${name}:right`] },
      ],
      ...(volumes === 2 && { outputs: [{ path: '/out', tags: [] }], log: { tags: [] } }),
      resources,
      active: false,
    });
    await knitfab.client.activatePlan(planId);
    const begun = Date.now();
    const runs = await knitfab.finished(planId, left * right, 500);
    const failed = runs.filter((run) => run.status !== 'done').length;
    if (failed > 0) throw new Error(`${failed} Runs failed`);
    return (Math.max(...runs.map((run) => Date.parse(run.updatedAt))) - begun) / 1000;
  }
}

export const kubernetesTogether: Figure[] = [
  crowd({
    name: 'kubernetes-together',
    what: '20 Runs at once, each with two new volumes: until all are done',
    goal: 1.5,
    left: 4,
    right: 5,
    command: ['true'],
    volumes: 2,
  }),
  crowd({
    name: 'kubernetes-makespan',
    what: '200 Runs of one second each, without new volumes: until all are done',
    goal: 1.2,
    left: 10,
    right: 20,
    command: ['sleep', '1'],
    volumes: 0,
  }),
];
