import { Invalid } from '@knitfab/core';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { fieldName, type YamlPlaces } from '../yaml/places.ts';

/** Stands in a template where only a person knows what has to be there. */
export const placeholder = '(fill in)';

/** @throws {Invalid} naming every field that still has to be filled in */
export function refusePlaceholders(content: Node | null, places: YamlPlaces): void {
  const [first, ...others] = placeholders(content);
  if (first === undefined) return;
  const more = others.map((path) => places.at(path));
  throw places.invalid(
    first,
    new Invalid({
      reason: `${fieldName(first)} still has to be filled in`,
      advice:
        more.length === 0
          ? 'The comment above it says how.'
          : `The comments above say how. ${more.length === 1 ? 'So has' : 'So have'} ${more.join(', ')}.`,
    }),
  );
}

function* placeholders(
  node: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (isScalar(node)) {
    if (node.value === placeholder) yield path;
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) yield* placeholders(item, [...path, index]);
  } else if (isMap(node)) {
    for (const { key, value } of node.items)
      yield* placeholders(value, [...path, String(isScalar(key) ? key.value : key)]);
  }
}
