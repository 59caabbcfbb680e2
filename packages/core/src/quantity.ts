import { Invalid } from './errors.ts';
import { qualifiedName } from './qualified-name.ts';
import { shorten } from './text.ts';

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * Reads a Kubernetes quantity (`100m`, `1.5`, `1Gi`, `2e3`) as a number of its base unit: cores, bytes, pieces.
 * Source: Kubernetes API reference, "Quantity".
 * @throws {Invalid} when it is none, or negative; white space around it makes it none, as in Kubernetes
 */
export function parseQuantity(text: string): number {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/.exec(
    text,
  );
  const factor = suffixes[match?.[3] ?? ''];
  const value =
    match === null || factor === undefined ? Number.NaN : Number(`${match[1]}${match[2] ?? ''}`) * factor;
  if (!Number.isFinite(value)) {
    throw new Invalid({
      reason: `"${shorten(text)}" is not a quantity`,
      advice: 'Write quantities as Kubernetes does: 500m or 2 for CPUs, 256Mi or 4Gi for memory.',
    });
  }
  return value;
}

/** Amounts by resource name, as Kubernetes quantities. */
export type Resources = Readonly<Record<string, string>>;

/** What a Run gets where its Plan names nothing (spec page 1). */
export const defaultResources: Resources = { cpu: '1', memory: '1Gi' };

const resourceName = new RegExp(`^${qualifiedName}$`);

/**
 * Checks names and amounts of resources.
 * @throws {Invalid} for a name that Kubernetes would refuse, or a bad amount
 */
export function checkedResources(resources: Readonly<Record<string, string>>): Resources {
  for (const [name, quantity] of Object.entries(resources)) {
    if (!resourceName.test(name)) {
      throw new Invalid({
        reason: `"${shorten(name)}" is not the name of a resource`,
        advice: 'Use names such as cpu, memory or nvidia.com/gpu.',
      });
    }
    parseQuantity(quantity);
  }
  return resources;
}
