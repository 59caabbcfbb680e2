import { type Document, isPair, isScalar, type Node, type Pair, visit } from 'yaml';

/** Fields of a Plan that are no text. */
const typedFields = new Set(['active', 'max_running', 'priority', 'lost', 'error']);

const booleans: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  y: true,
  no: false,
  off: false,
  n: false,
};

/**
 * Reads plain words as files for 1.6 mean them: whatever stands where text belongs is text (`args: [--epochs, 10]`), as it was
 * written, and `active` may be yes or no, as in YAML 1.1.
 */
export function readAsMeant(document: Document): void {
  visit(document, {
    Scalar(key, node, path) {
      if (key === 'key' || node.type !== 'PLAIN') return;
      const field = key === 'value' ? nameOf(path.at(-1)) : undefined;
      if (field === 'active' && typeof node.value === 'string') {
        node.value = booleans[node.value.toLowerCase()] ?? node.value;
      } else if (!typedFields.has(field ?? '') && /^(number|boolean|bigint)$/.test(typeof node.value)) {
        node.value = node.source ?? String(node.value);
      }
    },
  });
}

const nameOf = (parent: Document | Node | Pair | undefined): string | undefined =>
  isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : undefined;
