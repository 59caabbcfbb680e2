import { Invalid } from '@knitfab/core';
import type { z } from 'zod';
import type { YamlPlaces } from '../yaml/places.ts';
import { nearestWord } from './nearest-word.ts';

/**
 * Refuses fields that mean nothing: the server would ignore them, but they are most likely misspelt ones.
 * @throws {Invalid} naming the first of them, and the field that was probably meant
 */
export function refuseUnknownFields(
  value: unknown,
  shape: z.ZodType,
  places: YamlPlaces,
  path: readonly PropertyKey[] = [],
): void {
  if (typeof value !== 'object' || value === null) return;
  const { items, fields } = partsOf(shape as unknown as SchemaNode);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (items) refuseUnknownFields(item, items, places, [...path, index]);
  } else if (fields) {
    for (const [name, part] of Object.entries(value)) {
      if (!Object.hasOwn(fields, name))
        throw places.invalidKey([...path, name], unknown(name, Object.keys(fields)));
      refuseUnknownFields(part, fields[name] as z.ZodType, places, [...path, name]);
    }
  }
}

function unknown(name: string, known: readonly string[]): Invalid {
  const near = nearestWord(name, known);
  return new Invalid({
    reason: `the field ${JSON.stringify(name)} means nothing here`,
    advice: near === undefined ? `There are ${known.join(', ')}.` : `Did you mean "${near}"?`,
  });
}

/** As much of a schema's definition as is looked at. Source: Zod 4's `schema.def`. */
interface SchemaNode {
  readonly def: {
    readonly type: string;
    readonly innerType?: SchemaNode;
    readonly in?: SchemaNode;
    readonly element?: z.ZodType;
    readonly shape?: Readonly<Record<string, z.ZodType>>;
  };
}

/** The fields of an object's schema, or the items of a list's, behind what makes them optional or transforms them. */
function partsOf({ def }: SchemaNode): { items?: z.ZodType; fields?: Readonly<Record<string, z.ZodType>> } {
  const inner = def.innerType ?? (def.type === 'pipe' ? def.in : undefined);
  if (inner !== undefined) return partsOf(inner);
  return { ...(def.element && { items: def.element }), ...(def.shape && { fields: def.shape }) };
}
