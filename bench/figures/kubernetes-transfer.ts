import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { knit } from '../../e2e/knit-user.ts';
import { apply, kubectl } from '../../e2e/kubernetes/kubectl.ts';
import { run, seconds } from '../commands.ts';
import type { Figure } from '../figure.ts';
import { image, persistentVolumeClaim } from '../kubernetes/bare-jobs.ts';
import { type MeasuredCluster, measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';
import { lastingDirectory } from '../leftovers.ts';
import { mean } from '../mean.ts';

const rounds = 3;
const megabytes = 256;

/** One large file of random bytes to the cluster and back, beside `kubectl exec … tar` to and from a pod that is there, by turns. */
export const kubernetesTransfer: Figure[] = (['push', 'pull'] as const).map((direction) => ({
  name: `kubernetes-transfer:${direction}`,
  what: `${direction} ${megabytes} MiB, beside kubectl exec … tar`,
  unit: '× tar',
  goal: '≥ 0.5',
  meets: (value) => value >= 0.5,
  async measure() {
    const cluster = await measuredCluster();
    if (cluster === undefined) return noCluster;
    const place = await lastingDirectory();
    const source = join(place, 'source');
    await mkdir(source);
    await run(['dd', 'if=/dev/urandom', `of=${source}/file`, 'bs=1M', `count=${megabytes}`, 'status=none']);
    const pod = await transferPod(cluster);
    const tar = `kubectl --namespace ${cluster.bareNamespace} exec --stdin ${pod} -- tar`;
    const push = [...knit, 'data', 'push', '-t', 'bench:kubernetes-transfer', source];
    const { knitfab } = cluster;
    const options = { env: knitfab.environment, cwd: knitfab.directory };
    const { output } = await run(push, options); // the warm-up
    const knitId = /"knitId":\s*"([^"]+)"/.exec(output)?.[1] ?? '';
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const target = join(place, `round-${round}`);
      const bare = {
        push: `tar c -C ${source} . | ${tar} x -C /volume`,
        pull: `mkdir ${target} && ${tar} c -C /volume . | tar x -C ${target}`,
      };
      const pull = [...knit, 'data', 'pull', '-x', knitId, join(place, `knit-${round}`)];
      theirs.push(await seconds(['bash', '-o', 'pipefail', '-c', bare[direction]]));
      ours.push(await seconds({ push, pull }[direction], options));
    }
    await kubectl('--namespace', cluster.bareNamespace, 'delete', 'pod', pod, '--grace-period=0', '--force');
    const values = theirs.map((bare, round) => bare / (ours[round] ?? Number.NaN));
    return { values, comparedWith: `kubectl exec … tar: ${mean(theirs, 1)} s, knit ${mean(ours, 1)} s` };
  },
}));

/** A pod with a volume, which holds the tree once it was pushed. */
async function transferPod({ bareNamespace }: MeasuredCluster): Promise<string> {
  const name = 'transfer';
  const claim = persistentVolumeClaim(name);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'main',
          image,
          command: ['sleep', 'infinity'],
          volumeMounts: [{ name, mountPath: '/volume' }],
        },
      ],
      volumes: [{ name, persistentVolumeClaim: { claimName: name } }],
    },
  };
  await apply([claim, pod].map((object) => ({ ...object, metadata: { name, namespace: bareNamespace } })));
  await kubectl(
    '--namespace',
    bareNamespace,
    'wait',
    '--for=condition=Ready',
    `pod/${name}`,
    '--timeout=60s',
  );
  const fill = ['dd', 'if=/dev/urandom', 'of=/volume/file', 'bs=1M', `count=${megabytes}`, 'status=none'];
  await kubectl('--namespace', bareNamespace, 'exec', name, '--', ...fill);
  return name;
}
