import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, list } from './kubectl.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

/** `on_node`, as the guide explains it to administrators: what a label attracts, and what a taint keeps away. */
describe.skipIf(!surroundings.hasCluster)('on_node', async () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);
  const nodes = surroundings.hasCluster ? (await list('nodes')).map(({ metadata }) => metadata.name) : [];
  const [plain = '', special = ''] = nodes;
  const label = 'knit-e2e/accelerator';

  beforeAll(async () => {
    await kubectl('label', 'node', special, `${label}=gpu`, '--overwrite');
  });

  afterAll(async () => {
    for (const node of nodes) {
      await kubectl('uncordon', node);
      await kubectl('taint', 'node', node, `${label}-`).catch(() => {});
    }
    await kubectl('label', 'node', special, `${label}-`);
  });

  /** Where a worker has run. */
  async function nodeOf(planId: string): Promise<string | undefined> {
    expect(await runs.ended(planId)).toMatchObject({ status: 'done' });
    const shown = await runs.shown(planId, /node/i);
    return nodes.find((node) => shown.includes(node));
  }

  const on = (onNode: object) => runs.script('true', { on_node: onNode });

  describe.skipIf(nodes.length < 2)('without taints', () => {
    test('must: the worker runs where the label is', async () => {
      expect(await nodeOf(await on({ must: [`${label}=gpu`] }))).toBe(special);
    });

    test('prefer: the worker runs where the label is while there is room', async () => {
      expect(await nodeOf(await on({ prefer: [`${label}=gpu`] }))).toBe(special);
    });

    test('prefer: the worker runs elsewhere when there is none', async () => {
      await kubectl('cordon', special);
      expect(await nodeOf(await on({ prefer: [`${label}=gpu`] }))).toBe(plain);
      await kubectl('uncordon', special);
    });
  });

  describe.skipIf(nodes.length < 2)('with a taint on the only node that has room', () => {
    const plans = new Map<string, string>();

    beforeAll(async () => {
      // Data Agents would find no node afterwards.
      for (const kind of ['may', 'prefer', 'must', 'none']) {
        const onNode = kind === 'none' ? {} : { [kind]: [`${label}=gpu`] };
        plans.set(kind, await runs.script('true', { on_node: onNode, active: false }));
      }
      await kubectl('taint', 'node', special, `${label}=gpu:NoSchedule`);
      for (const node of nodes.filter((each) => each !== special)) await kubectl('cordon', node);
      for (const planId of plans.values()) await knitfab.client.activatePlan(planId);
    });

    test.for(['may', 'prefer', 'must'])('%s: the worker runs there', async (kind) => {
      expect(await nodeOf(plans.get(kind) ?? '')).toBe(special);
    });

    test('a worker without it waits, and knit run show says what for', async () => {
      const planId = plans.get('none') ?? '';
      await runs.shown(planId, new RegExp(`${label}=gpu:NoSchedule`));
      expect((await runs.is('starting', planId)).status).toBe('starting');
      for (const node of nodes) await kubectl('uncordon', node);
      expect(await nodeOf(planId)).not.toBe(special);
    });
  });
});
