import { expectEqual, expectShape, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { nobody, type PlanSpec } from '../world.ts';
import { foundPlans } from './found-plans.ts';

export const registerPlan: Row = {
  name: 'POST /api/plans/',
  checks: {
    'answers with the Plan in full, what is sorted sorted': async (world) => {
      const spec = await world.spec('full', {
        annotations: ['b=2', 'a=1', 'b=1'],
        inputs: [
          { path: '/in/b/', tags: [world.tag('full-z'), ` ${world.mark} : full-a `] },
          { path: '/in/a', tags: [{ key: world.mark, value: 'full-in' }] },
        ],
        outputs: [{ path: '/out', tags: [] }],
        on_node: { may: ['zone=b', 'zone=a'], must: ['accelerator=gpu'] },
        resources: { cpu: '100m', memory: '64Mi' },
        service_account: 'trainer',
      });
      const { planId, ...plan } = await world.register(spec);
      const { image, entrypoint, args } = spec;
      expectEqual(
        { ...plan, inputs: plan.inputs.toSorted((a, b) => (a.path < b.path ? -1 : 1)) },
        {
          image,
          entrypoint,
          args,
          annotations: ['a=1', 'b=1', 'b=2'],
          inputs: [
            { path: '/in/a', tags: [world.tag('full-in')], upstreams: [] },
            { path: '/in/b', tags: [world.tag('full-a'), world.tag('full-z')], upstreams: [] },
          ],
          outputs: [{ path: '/out', tags: [], downstreams: [] }],
          log: { tags: [world.tag('full-log')], downstreams: [] },
          active: false,
          on_node: { may: ['zone=a', 'zone=b'], must: ['accelerator=gpu'] },
          resources: { cpu: '100m', memory: '64Mi' },
          service_account: 'trainer',
        },
        'the Plan',
      );
    },
    'takes what 1.6 clients send: null lists, tags as objects, unknown fields; leaves out what has no value':
      async (world) => {
        const spec = {
          image: await world.acceptedImage(),
          inputs: [{ path: '/in', tags: [{ key: world.mark, value: 'nulls' }] }],
          outputs: null,
          entrypoint: ['true'],
          args: null,
          annotations: null,
          log: null,
          on_node: null,
          resources: null,
          weather: 'fine',
          active: false,
        };
        const answer = await world.wire.post('/api/plans', spec);
        const { planId } = expectShape(answer, planDetail, 'POST /api/plans');
        await world.wire.delete(`/api/plans/${planId}/active`);
        const plan = answer.json as Record<string, unknown>;
        for (const field of ['name', 'args', 'annotations', 'log', 'on_node', 'service_account'])
          expectTrue(!(field in plan), `${field} has no value and should be left out`);
        expectEqual(plan.outputs, [], 'outputs');
      },
    'is active unless told otherwise': async (world) => {
      const { active: _, ...spec } = await world.spec('active');
      expectEqual((await world.register(spec)).active, true, 'active');
    },
    'pins one Data by knit#id and knit#timestamp': async (world) => {
      const tags = [`knit#id:${nobody}`, 'knit#timestamp:2024-03-06T18:25:16.586+09:00', world.tag('pinned')];
      const { inputs } = await world.plan('pinned', { inputs: [{ path: '/in', tags }] });
      expectEqual(
        inputs[0]?.tags.filter((tag) => tag.startsWith('knit#id:') || tag === world.tag('pinned')).sort(),
        [world.tag('pinned'), `knit#id:${nobody}`].sort(),
        'tags of the input',
      );
    },
    'refuses a Plan with the identity of another one (409), whatever its annotations and resources': async (
      world,
    ) => {
      const spec = await world.spec('equal');
      await world.register(spec);
      for (const change of [
        {},
        { annotations: ['a=1'] },
        { resources: { cpu: '2' } },
        { service_account: 'other' },
      ]) {
        expectStatus(
          await world.wire.post('/api/plans', { ...spec, ...change }),
          409,
          `an equal Plan with ${JSON.stringify(change)}`,
        );
      }
      await world.register({ ...spec, args: [`another ${world.mark}`] });
    },
    'names the Plans that are connected to it by tags, with mountpoint or log': async (world) => {
      const maker = await world.plan('maker', {
        outputs: [{ path: '/out', tags: [world.tag('c1'), world.tag('c2')] }],
        annotations: ['case=maker'],
      });
      const user = await world.plan('user', { inputs: [{ path: '/in', tags: [world.tag('c1')] }] });
      const reader = await world.plan('reader', {
        inputs: [{ path: '/logs', tags: [world.tag('maker-log')] }],
      });
      const summary = ({ planId, image, entrypoint, args, annotations }: typeof maker) => ({
        planId,
        image,
        entrypoint,
        args,
        ...(annotations && { annotations }),
      });
      expectEqual(
        user.inputs[0]?.upstreams,
        [{ plan: summary(maker), mountpoint: { path: '/out', tags: [world.tag('c1'), world.tag('c2')] } }],
        'upstreams by an output',
      );
      expectEqual(
        reader.inputs[0]?.upstreams,
        [{ plan: summary(maker), log: { tags: [world.tag('maker-log')] } }],
        'upstreams by a log',
      );
      const again = expectShape(
        await world.wire.get(`/api/plans/${maker.planId}`),
        planDetail,
        'GET /api/plans/{planId}',
      );
      expectEqual(
        again.outputs[0]?.downstreams,
        [{ plan: summary(user), mountpoint: { path: '/in', tags: [world.tag('c1')] } }],
        'downstreams of an output',
      );
      expectEqual(
        again.log?.downstreams,
        [{ plan: summary(reader), mountpoint: { path: '/logs', tags: [world.tag('maker-log')] } }],
        'downstreams of the log',
      );
    },
    'refuses what is no Plan': async (world) => {
      const input = (path: string, tags: unknown = [world.tag('bad')]) => ({
        inputs: [{ path, tags }] as never,
      });
      const bad: PlanSpec[] = [
        { image: '' },
        { image: 'Not An Image' },
        { inputs: [] },
        { inputs: null as never },
        input('in'),
        input('/in/../out'),
        input('/in//below'),
        input('/in/./below'),
        input('/in', []),
        input('/in', ['no colon']),
        input('/in', ['knit#transient:failed']),
        input('/in', ['knit#other:x']),
        input('/in', ['knit#id:a', 'knit#id:b']),
        input('/in', ['knit#timestamp:yesterday']),
        {
          inputs: [
            { path: '/in', tags: [world.tag('x')] },
            { path: '/in', tags: [world.tag('y')] },
          ],
        },
        { outputs: [{ path: '/in', tags: [] }] },
        { outputs: [{ path: '/in/below', tags: [] }] },
        { outputs: [{ path: '/out', tags: ['knit#id:x'] }] },
        { log: { tags: ['knit#timestamp:x'] } },
        { annotations: ['no equals sign'] },
        { resources: { cpu: 'many' } },
        { on_node: { must: ['not a label'] } },
        { service_account: 'Not A Name' },
        { active: 'yes' },
        { inputs: 'text' as never },
        { entrypoint: 'text' },
      ];
      for (const change of bad)
        expectStatus(
          await world.wire.post('/api/plans', await world.spec('bad', change)),
          400,
          JSON.stringify(change),
        );
      for (const body of ['{', '', '[]', '"text"'])
        expectStatus(await world.wire.send('POST', '/api/plans', { body }), 400, `body ${body}`);
      expectEqual(await foundPlans(world, { in_tag: world.tag('bad') }), [], 'Plans that were refused');
    },
  },
};
