import { nearestWord } from './nearest-word.ts';
import type { PlanPlaces } from './places.ts';

const mountpointFields = ['path', 'tags'];
const planFields = [
  'image',
  'entrypoint',
  'args',
  'annotations',
  'inputs',
  'outputs',
  'log',
  'active',
  'resources',
  'on_node',
  'service_account',
];

/** Warns of fields that mean nothing, which may be misspelt ones. */
export function unknownFields(content: unknown, places: PlanPlaces): string[] {
  const warnings: string[] = [];
  const check = (value: unknown, path: readonly PropertyKey[], known: readonly string[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const field of Object.keys(value)) {
      if (known.includes(field)) continue;
      const near = nearestWord(field, known);
      const question = near === undefined ? '' : ` Did you mean "${near}"?`;
      warnings.push(
        `${places.atKey([...path, field])}: the field "${field}" means nothing here and is ignored.${question}`,
      );
    }
  };
  const plan = content as Record<string, unknown>;
  check(plan, [], planFields);
  for (const kind of ['inputs', 'outputs']) {
    const mountpoints = plan[kind];
    if (!Array.isArray(mountpoints)) continue;
    for (const [index, mountpoint] of mountpoints.entries())
      check(mountpoint, [kind, index], mountpointFields);
  }
  check(plan.log, ['log'], ['tags']);
  check(plan.on_node, ['on_node'], ['may', 'prefer', 'must']);
  return warnings;
}
