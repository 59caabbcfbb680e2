import type { Figure } from '../figure.ts';
import { image } from '../kubernetes/bare-jobs.ts';
import { measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';

const length = 5;
const rounds = 3;

/** A chain of Plans, each of which uses what the one before it makes. */
export const kubernetesChain: Figure = {
  name: 'kubernetes-chain',
  what: `a chain of ${length} one-line Plans, per hop, ${rounds} times`,
  unit: 's per hop',
  goal: '≤ 4',
  meets: (value) => value <= 4,
  async measure() {
    const cluster = await measuredCluster();
    if (cluster === undefined) return noCluster;
    const { knitfab, source } = cluster;
    const plans: string[] = [];
    for (let step = 0; step < length; step++) {
      const planId = await knitfab.register({
        image,
        entrypoint: ['cp', '/in/file', '/out/file'],
        inputs: [{ path: '/in', tags: [`kubernetes-chain:${step}`] }],
        outputs: [{ path: '/out', tags: [`kubernetes-chain:${step + 1}`] }],
        resources: { cpu: '50m', memory: '64Mi' },
      });
      plans.push(planId);
    }
    const values: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      await knitfab.push(source, 'kubernetes-chain:0');
      const acknowledged = Date.now();
      const runs = await knitfab.finished(plans.at(-1) ?? '', round, 100);
      const ended = Math.max(...runs.map(({ updatedAt }) => Date.parse(updatedAt)));
      values.push((ended - acknowledged) / 1000 / length);
    }
    for (const planId of plans) await knitfab.client.deactivatePlan(planId);
    return { values };
  },
};
