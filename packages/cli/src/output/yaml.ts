import { Document, Scalar, visit } from 'yaml';
import { escapedInQuotes, isHarmful } from './harmless.ts';

/** A value as YAML. Characters that YAML does not let stand, or that could command a terminal, are escaped in quotes. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && isHarmful(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return escapedInQuotes(document.toString({ lineWidth: 0 }));
}
