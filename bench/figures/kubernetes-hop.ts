import type { Figure } from '../figure.ts';
import { type BareJob, image } from '../kubernetes/bare-jobs.ts';
import { measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';
import { mean } from '../mean.ts';

const rounds = 10;
const command = ['date', '+%s%N'];

/** A push is acknowledged → the container of the Run that it starts says that it runs; less what a bare Job takes, by turns. */
export const kubernetesHop: Figure = {
  name: 'kubernetes-hop',
  what: `push acknowledged → the next Run's container runs, less the same for a bare Job with the same volumes, ${rounds} times`,
  unit: 'ms',
  goal: '≤ 200',
  meets: (value) => value <= 200,
  async measure() {
    const cluster = await measuredCluster();
    if (cluster === undefined) return noCluster;
    const { knitfab, bare, source } = cluster;
    const planId = await knitfab.register({
      image,
      entrypoint: command,
      inputs: [{ path: '/in', tags: ['bench:kubernetes-hop'] }],
      outputs: [{ path: '/out', tags: [] }],
      log: { tags: [] },
      resources: { cpu: '50m', memory: '64Mi' },
    });
    const inputs = ['hop-input'];
    await bare.makeInputs(inputs);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const job: BareJob = { name: `hop-${round}`, command, volumes: 2, inputs };
      const begun = now();
      await bare.create([job]);
      const [pod] = await bare.ended([job]);
      const alone = pod === undefined ? Number.NaN : readClock(await bare.log(pod)) - begun;
      await bare.remove([job]);
      const knitId = await knitfab.push(source, 'bench:kubernetes-hop');
      const acknowledged = now();
      const runs = await knitfab.finished(planId, round + 1, 100);
      const run = runs.find((each) => each.inputs.some((input) => input.knitId === knitId));
      const hop = readClock(await knitfab.log(run?.runId ?? '')) - acknowledged;
      // The first ones are the warm-up.
      if (round === 0) continue;
      ours.push(hop);
      theirs.push(alone);
    }
    await knitfab.client.deactivatePlan(planId);
    const values = ours.map((each, round) => each - (theirs[round] ?? Number.NaN));
    return { values, comparedWith: `bare Job: ${mean(theirs)} ms, knit ${mean(ours)} ms` };
  },
};

const now = (): number => performance.timeOrigin + performance.now();

/** Milliseconds of the clock that `date` has read. */
const readClock = (said: string): number => Number(BigInt(said.trim()) / 1000n) / 1000;
