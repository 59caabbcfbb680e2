import { knit } from '../../e2e/knit-user.ts';
import { seconds } from '../commands.ts';
import type { Figure } from '../figure.ts';
import type { BareJob } from '../kubernetes/bare-jobs.ts';
import { measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';
import { mean } from '../mean.ts';

const rounds = 10;

/** The command of a user, from its start to its end, with the least that can be pushed. */
export const kubernetesPush: Figure = {
  name: 'kubernetes-push',
  what: `knit data push of one line, ${rounds} times`,
  unit: 's',
  goal: '≤ 3',
  meets: (value) => value <= 3,
  async measure() {
    const cluster = await measuredCluster();
    if (cluster === undefined) return noCluster;
    const { knitfab, bare, source } = cluster;
    const values: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const job: BareJob = { name: `push-${round}`, command: ['true'], volumes: 1 };
      const begun = performance.now();
      await bare.create([job]);
      await bare.ended([job]);
      theirs.push((performance.now() - begun) / 1000);
      await bare.remove([job]);
      const push = [...knit, 'data', 'push', '-t', 'bench:kubernetes-push', source];
      values.push(await seconds(push, { env: knitfab.environment, cwd: knitfab.directory }));
    }
    return { values, comparedWith: `a bare Job with one new volume that ends at once: ${mean(theirs, 1)} s` };
  },
};
