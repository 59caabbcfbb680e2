/** Fields that are lists and always there (spec page 2). Some servers write `null` for one that is empty. */
const lists: ReadonlySet<string> = new Set([
  'tags',
  'inputs',
  'outputs',
  'upstreams',
  'downstreams',
  'nomination',
]);

/**
 * Makes an answer what the shapes say, in place: `null` for a list becomes the empty list, and any other field that is
 * `null` is left out, but a Run's `log`, which is `null` when there is none.
 */
export function withoutNulls<Value>(value: Value): Value {
  if (Array.isArray(value)) {
    for (const item of value) withoutNulls(item);
  } else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>;
    for (const [name, field] of Object.entries(fields)) {
      if (field !== null) withoutNulls(field);
      else if (lists.has(name)) fields[name] = [];
      else if (name !== 'log') delete fields[name];
    }
  }
  return value;
}
