import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
/** Three Plans in a row. */
let ids: [string, string, string];

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
  const registered = async (step: number): Promise<string> => {
    const { json } = await wire.post('/api/plans', {
      image: `host:v${step}`,
      entrypoint: ['true'],
      inputs: [{ path: '/in', tags: [`step:${step}`] }],
      outputs: [{ path: '/out', tags: [`step:${step + 1}`, 'any:thing'] }],
    });
    return json.planId;
  };
  ids = [await registered(1), await registered(2), await registered(3)];
});
afterAll(() => server[Symbol.asyncDispose]());

test('the graph of a Plan comes in one answer, with and without a trailing slash', async () => {
  const [first, second, third] = ids;
  for (const slash of ['', '/']) {
    const { status, json } = await wire.get(`/api/plans/${second}/graph${slash}?depth=all`);
    expect(status).toBe(200);
    expect(json).toEqual({
      root: second,
      plans: expect.arrayContaining(
        ids.map((planId, index) => ({ planId, image: `host:v${index + 1}`, entrypoint: ['true'] })),
      ),
      edges: [
        {
          from: { planId: first, mountpoint: { path: '/out', tags: ['any:thing', 'step:2'] } },
          to: { planId: second, mountpoint: { path: '/in', tags: ['step:2'] } },
        },
        {
          from: { planId: second, mountpoint: { path: '/out', tags: ['any:thing', 'step:3'] } },
          to: { planId: third, mountpoint: { path: '/in', tags: ['step:3'] } },
        },
      ],
      truncated: { up: false, down: false },
    });
  }
});

test('the graph of a Plan goes 3 Plans far, or as far and where it is asked to', async () => {
  const [first, second, third] = ids;
  const near = async (query: string) => {
    const { json } = await wire.get(`/api/plans/${second}/graph?${query}`);
    return { ids: json.plans.map(({ planId }: { planId: string }) => planId).sort(), ...json.truncated };
  };
  expect(await near('')).toEqual({ ids: [first, second, third].sort(), up: false, down: false });
  expect(await near('direction=up')).toEqual({ ids: [first, second].sort(), up: false, down: false });
  expect(await near('direction=down&depth=0')).toEqual({ ids: [second], up: false, down: true });
});

test('a graph that is not is not found, and one that can not be asked for is refused', async () => {
  const nobody = '00000000-0000-4000-8000-000000000000';
  expect((await wire.get(`/api/plans/${nobody}/graph`)).status).toBe(404);
  expect((await wire.get('/api/plans/foo/graph')).status).toBe(404);
  for (const query of ['direction=left', 'depth=-1', 'depth=x', 'depth=1.5']) {
    const { status, json } = await wire.get(`/api/plans/${ids[0]}/graph?${query}`);
    expect({ status, json }).toEqual({
      status: 400,
      json: expect.objectContaining({ reason: expect.any(String), advice: expect.any(String) }),
    });
  }
  expect((await wire.send('DELETE', `/api/plans/${ids[0]}/graph`)).status).toBe(405);
});
