import { Invalid } from './errors.ts';
import { qualifiedName, simpleName } from './qualified-name.ts';
import { shorten } from './text.ts';

/** Where the Runs of a Plan may, should and must be placed: `key=value` labels (spec page 1; meaning on page 5). */
export interface OnNode {
  readonly may?: readonly string[];
  readonly prefer?: readonly string[];
  readonly must?: readonly string[];
}

const label = new RegExp(`^${qualifiedName}=(?:${simpleName})?$`);

/**
 * Checks and sorts placement labels. Source: Kubernetes, "Labels and Selectors", syntax and character set.
 * @throws {Invalid} for a label that Kubernetes would refuse
 */
export function checkedOnNode(onNode: OnNode): OnNode {
  const result: { -readonly [K in keyof OnNode]: string[] } = {};
  for (const kind of ['may', 'prefer', 'must'] as const) {
    const labels = [...new Set((onNode[kind] ?? []).map((text) => text.trim()))].sort();
    const bad = labels.find((text) => !label.test(text));
    if (bad !== undefined) {
      throw new Invalid({
        reason: `on_node.${kind} holds "${shorten(bad)}", which is not a node label`,
        advice: 'Write labels as key=value in Kubernetes syntax, such as accelerator=gpu.',
      });
    }
    if (labels.length > 0) result[kind] = labels;
  }
  return result;
}
