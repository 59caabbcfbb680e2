import type { OnNode } from '@knitfab/core';
import type { NodeAffinity, NodeSelectorRequirement, Toleration } from 'kubernetes-types/core/v1.js';

/** Where a worker may, should and must be placed, in the words of a Pod. Source: spec page 5, the table of `on_node`. */
export interface Placement {
  readonly tolerations: Toleration[];
  readonly nodeAffinity?: NodeAffinity;
}

/** All labels of `must` have to fit the node; each of `prefer` counts as much as another. */
export function placementOf({ may = [], prefer = [], must = [] }: OnNode): Placement {
  const tolerations = [
    ...[...may, ...prefer, ...must].map((label) => toleration(label, 'NoSchedule')),
    ...[...prefer, ...must].map((label) => toleration(label, 'PreferNoSchedule')),
  ];
  const nodeAffinity: NodeAffinity = {
    ...(prefer.length > 0 && {
      preferredDuringSchedulingIgnoredDuringExecution: prefer.map((label) => ({
        weight: 100,
        preference: { matchExpressions: [requirement(label)] },
      })),
    }),
    ...(must.length > 0 && {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: must.map(requirement) }],
      },
    }),
  };
  return { tolerations, ...(Object.keys(nodeAffinity).length > 0 && { nodeAffinity }) };
}

/** A label is `key=value`; the value may be empty and holds no `=`. */
function parts(label: string): { key: string; value: string } {
  const at = label.indexOf('=');
  return { key: label.slice(0, at), value: label.slice(at + 1) };
}

const toleration = (label: string, effect: 'NoSchedule' | 'PreferNoSchedule'): Toleration => ({
  ...parts(label),
  operator: 'Equal',
  effect,
});

function requirement(label: string): NodeSelectorRequirement {
  const { key, value } = parts(label);
  return { key, operator: 'In', values: [value] };
}
