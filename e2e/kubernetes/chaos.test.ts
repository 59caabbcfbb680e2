import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workload } from '../chaos/workload.ts';
import { run } from './commands.ts';
import { appDeployments } from './installation.ts';
import { eventually, kubectl, list } from './kubectl.ts';
import { PortForward } from './port-forward.ts';
import { sharedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

const { cluster, hasCluster, image } = surroundings;
const minutes = Number(process.env.KNIT_CHAOS_MINUTES ?? 2);
const components = [...appDeployments, 'database-postgres', 'image-registry-registry'];

/** `npm run chaos` for the cluster edition: pods of every component killed at random, and a node's kubelet, while users push. */
describe.skipIf(!hasCluster)('chaos', () => {
  const knitfab = sharedInstallation();
  const runs = new SingleRuns(knitfab);
  let forward: PortForward;

  beforeAll(async () => {
    forward = await PortForward.to('service/knitd:443', knitfab.namespace);
    await knitfab.connect(`https://127.0.0.1:${forward.port}/api`);
  });

  afterAll(async () => {
    await forward[Symbol.asyncDispose]();
  });

  test('loses nothing, and doubles nothing', { timeout: minutes * 60_000 + 600_000 }, async () => {
    const workload = new Workload(knitfab, { source: runs.source, images: [image], pauseMilliseconds: 3000 });
    await workload.begin();
    const ending = new AbortController();
    const pushing = Promise.all(Array.from({ length: 3 }, () => workload.push(ending.signal)));
    const counts = await faults(Date.now() + minutes * 60_000);
    ending.abort();
    await pushing;
    for (const name of components) await knitfab.rolledOut(name);
    const complaints = await eventually(
      'everything has come to rest',
      async () => {
        const found = await workload.verify();
        if (found.length > 0) throw new Error(found.join('\n'));
        return found;
      },
      { seconds: 500 },
    );
    console.table([...counts].map(([fault, count]) => ({ fault, injected: count })));
    console.log(`${workload.acknowledged.size} pushes acknowledged, ${await workload.count()} Runs`);
    expect(complaints).toEqual([]);
    expect(workload.acknowledged.size).toBeGreaterThan(minutes);
  });

  async function faults(until: number): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const inject = async (name: string, fault: () => Promise<unknown>) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await fault();
      // A push takes some 3 s: some come through, some are broken off.
      await setTimeout(2000 + Math.random() * 6000);
    };
    const nodeLost = cluster && inject('a node without its kubelet for 40 s', () => loseNode(cluster));
    while (Date.now() < until) {
      for (const name of components.toSorted(() => Math.random() - 0.5)) {
        if (Date.now() >= until) break;
        await inject(`${name} killed`, () => kill(`app.kubernetes.io/component=${name}`));
      }
      await inject('a Data Agent killed', () => kill('app.kubernetes.io/component=data-agent'));
    }
    await nodeLost;
    return counts;
  }

  const kill = (selector: string) =>
    knitfab.kubectl('delete', 'pod', '--force', '--grace-period=0', `--selector=${selector}`);

  /** The kubelet of the last node ends, and comes back: too soon for its pods to be given up. */
  async function loseNode(program: string): Promise<void> {
    const name = (await list('nodes')).at(-1)?.metadata.name ?? '';
    const number = /\d+$/.exec(name)?.[0] ?? '';
    await run([program, 'kill-node', number]);
    await setTimeout(40_000);
    await run([program, 'node', number]);
    await kubectl('wait', '--for=condition=Ready', `node/${name}`, '--timeout=120s');
  }
});
