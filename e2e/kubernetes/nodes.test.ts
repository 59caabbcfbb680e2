import { once } from 'node:events';
import { checkServerIdentity, connect } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { output } from './commands.ts';
import { eventually, kubectl, list } from './kubectl.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

const { cluster, hasCluster } = surroundings;

/** "I want to add a node", and what happens when one is lost. It takes a cluster whose nodes can be made and broken: KNIT_CLUSTER. */
describe.skipIf(!hasCluster || cluster === undefined)('a node', () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);
  const program = cluster ?? '';
  const number = '3';
  const added = `node-${number}`;
  const label = 'knit-e2e/place';

  /** The node goes as it should, so that nothing of it is left on the machine. */
  afterAll(async () => {
    await joined();
    const drain = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--disable-eviction'];
    await kubectl('drain', added, ...drain, '--grace-period=5', '--timeout=90s');
    await kubectl('delete', 'node', added);
    await eventually('its pods are gone', async () => {
      const pods = await list('pods', '--all-namespaces', `--field-selector=spec.nodeName=${added}`);
      return pods.length === 0;
    });
    await output([program, 'kill-node', number]);
  });

  test('can be added at any time', async () => {
    const [deployment] = (await knitfab.list('deployments')).filter(
      ({ metadata }) => metadata.name === 'knitd',
    );
    await joined();
    await output([program, 'load', deployment?.spec.template.spec.containers[0].image]);
    await kubectl('label', 'node', added, `${label}=added`, '--overwrite');
  });

  test('runs workers as soon as it is there', async () => {
    const planId = await runs.script('echo here', { on_node: { must: [`${label}=added`] } });
    const run = await runs.ended(planId);
    expect(run).toMatchObject({ status: 'done' });
    expect(await knitfab.log(run.runId)).toBe('here\n');
    expect(await runs.shown(planId, /node/i)).toContain(added);
  });

  test('is not in the certificate at first, and is once it was renewed: without a restart', async () => {
    const node = (await list('nodes')).find(({ metadata }) => metadata.name === added);
    const address = node?.status.addresses.find(
      ({ type }: { type: string }) => type === 'InternalIP',
    ).address;
    const pods = (await knitfab.pods('knitd')).map(({ metadata }) => metadata.uid);
    await expect(vouchedFor(address, 30803)).rejects.toThrow(/altnames|does not match/i);
    const { code, stderr } = await knitfab.installer(['--renew-certs', '-s', knitfab.settings]);
    expect(code, stderr).toBe(0);
    // The kubelet brings changed Secrets into pods within about a minute.
    await eventually('knitd has the new certificate', () => vouchedFor(address, 30803), { seconds: 180 });
    await eventually('the registry has the new certificate', () => vouchedFor(address, 30503), {
      seconds: 180,
    });
    expect((await knitfab.pods('knitd')).map(({ metadata }) => metadata.uid)).toEqual(pods);
  });

  test('may be lost: what ran there is run again elsewhere, or has failed as lost where it may not', {
    timeout: 420_000,
  }, async () => {
    await kubectl('label', 'node', added, `${label}=lost`, '--overwrite');
    const labels = [`${label}=lost`];
    // Long enough that they are there when the node goes.
    const script = 'sleep 60; echo ended';
    const [bound, free] = await Promise.all([
      runs.script(script, { on_node: { must: labels }, retry: { lost: 0 } }),
      runs.script(script, { on_node: { prefer: labels } }),
    ]);
    for (const planId of [bound, free]) {
      const { runId } = await runs.is('running', planId);
      const { stdout } = await knitfab.knit('run', 'show', runId);
      expect(stdout).toContain(added);
    }
    await output([program, 'kill-node', number]);
    const lost = { exit: { code: 254, message: expect.stringContaining(added) }, cause: 'lost' };
    expect(await finished(bound)).toMatchObject({ status: 'failed', ...lost });
    const again = await finished(free);
    expect(again.attempts?.[0]).toMatchObject(lost);
    expect(again.status).toBe('done');
    expect(await knitfab.log(again.runId)).toBe('ended\n');
  });

  /** A loss is seen when the node has not been heard of for a while. */
  const finished = (planId: string) =>
    eventually(
      'the Run is finished',
      async () => {
        const [run] = await knitfab.client.findRuns({ plan: [planId] });
        if (run?.status !== 'done' && run?.status !== 'failed') throw new Error(JSON.stringify(run));
        return run;
      },
      { seconds: 360 },
    );

  async function joined(): Promise<void> {
    await output([program, 'node', number]);
    for (const what of ['create', 'condition=Ready']) {
      await kubectl('wait', `--for=${what}`, `node/${added}`, '--timeout=120s');
    }
  }

  /**
   * Resolves once the handout's CA vouches for a node's address at a port. The connection goes to the node that the handout
   * names: what answers is the same at all of them.
   */
  async function vouchedFor(address: string, port: number): Promise<true> {
    const host = new URL((await knitfab.profile()).apiRoot).hostname;
    const ca = (await knitfab.certificateAuthority()) ?? '';
    const socket = connect({
      host,
      port,
      ca,
      servername: '',
      checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate),
    });
    try {
      await once(socket, 'secureConnect');
      return true;
    } finally {
      socket.destroy();
    }
  }
});
