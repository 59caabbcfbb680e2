import { describe, expect, it } from 'vitest';
import { placementOf } from '../../src/kubernetes/node-affinity.ts';

const tolerates = (key: string, value: string, effect: string) => ({ key, value, operator: 'Equal', effect });

// Spec page 5, the table of on_node.
describe('on_node', () => {
  it('`may` lets a worker onto nodes that keep others away, and asks for nothing', () => {
    expect(placementOf({ may: ['gpu=a100'] })).toEqual({
      tolerations: [tolerates('gpu', 'a100', 'NoSchedule')],
    });
  });

  it('`prefer` also tolerates nodes that would rather not, and prefers those with the label', () => {
    expect(placementOf({ prefer: ['gpu=a100'] })).toEqual({
      tolerations: [tolerates('gpu', 'a100', 'NoSchedule'), tolerates('gpu', 'a100', 'PreferNoSchedule')],
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: { matchExpressions: [{ key: 'gpu', operator: 'In', values: ['a100'] }] },
          },
        ],
      },
    });
  });

  it('`must` asks for a node that has all of the labels', () => {
    const { nodeAffinity, tolerations } = placementOf({ must: ['disk=ssd', 'gpu='] });
    expect(tolerations).toHaveLength(4);
    expect(nodeAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'disk', operator: 'In', values: ['ssd'] },
              { key: 'gpu', operator: 'In', values: [''] },
            ],
          },
        ],
      },
    });
  });

  it('nothing asked, nothing said', () => {
    expect(placementOf({})).toEqual({ tolerations: [] });
  });
});
