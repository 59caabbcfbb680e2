import type { PlanId } from './id.ts';
import type { PlanDefinition } from './plan.ts';
import { isFinished, type RunStatus } from './run.ts';
import { formatTag, isSystemTag, type Tag, tagSet } from './tag.ts';

// Spec page 1, "Nomination and projection", as users ask about it: why, and what if.

/** The tags that an input asks for and a Data does not have: it is nominated when there are none and its Run is done. */
export function missingTags(asked: readonly string[], has: readonly string[]): string[] {
  const owned = new Set(has);
  return asked.filter((tag) => !owned.has(tag));
}

/** What a Data's user tags are after a change, removal first (spec page 2). */
export function changedTags(
  tags: readonly Tag[],
  change: { add: readonly Tag[]; remove: readonly Tag[]; removeKeys: readonly string[] },
): Tag[] {
  const removed = new Set(change.remove.map(formatTag));
  const kept = tags.filter((tag) => !removed.has(formatTag(tag)) && !change.removeKeys.includes(tag.key));
  return tagSet([...kept, ...change.add]);
}

/** How a Data stands to an input of a Plan. */
export interface Standing {
  readonly isNominated: boolean;
  /** Of the Run that makes the Data. */
  readonly status: RunStatus;
  readonly missing: readonly string[];
  /** Runs of the Plan that use the Data as this input. */
  readonly runs: number;
  /** Other inputs of the Plan to which no Data is nominated. */
  readonly emptyInputs: readonly string[];
  /** Whether the nomination has been turned into Runs. */
  readonly isProjected: boolean;
  readonly isPlanActive: boolean;
}

/** Says why a Data is nominated to an input or not, and why it has no Run there, in one sentence. */
export function explainStanding(standing: Standing): string {
  return standing.isNominated ? explainNominated(standing) : explainNotNominated(standing);
}

function explainNotNominated({ status, missing }: Standing): string {
  const lacks = missing.length === 0 ? undefined : `it lacks ${missing.join(', ')}`;
  if (status === 'done') return lacks ?? 'it fits, and is about to be nominated';
  const state = isFinished(status) ? 'has failed' : `is ${status}`;
  const unusable = `the Run that makes it ${state}, and only Data of Runs that are done are used`;
  return lacks === undefined ? unusable : `${unusable}; besides, ${lacks}`;
}

function explainNominated({ runs, emptyInputs, isProjected, isPlanActive }: Standing): string {
  const used = `it is nominated, and ${runs === 1 ? 'one Run uses' : `${runs} Runs use`} it`;
  const inactive = isPlanActive ? '' : '; the Plan is inactive: its Runs are not started';
  if (runs > 0) return `${used}${inactive}`;
  if (emptyInputs.length > 0)
    return `it is nominated, but there is no Data for ${emptyInputs.join(', ')} yet${inactive}`;
  if (!isProjected) return `it is nominated, and its Runs are about to be made${inactive}`;
  return `it is nominated; the Runs that used it are deleted, and no combination is run twice${inactive}`;
}

/** What is allowed in a Plan, and may not be what is wanted. */
export function planWarnings({ image, inputs, outputs, log, active }: PlanDefinition): string[] {
  const warnings: string[] = [];
  if (image.tag === 'latest') {
    warnings.push(
      `the tag of the image is "latest": what that means changes over time, and the lineage will not tell`,
    );
  }
  if (!active)
    warnings.push('the Plan is inactive: its Runs are made, and not started until it is activated');
  const results = [
    ...outputs.map(({ path, tags }) => ({ name: `the output ${path}`, tags })),
    ...(log ? [{ name: 'the log', tags: log.tags }] : []),
  ];
  if (results.length === 0)
    warnings.push('the Plan has no outputs and no log: its Runs leave nothing behind');
  for (const input of inputs.filter(({ tags }) => !tags.some(isSystemTag))) {
    for (const { name, tags } of results) {
      if (missingTags(input.tags.map(formatTag), tags.map(formatTag)).length === 0)
        warnings.push(`${name} fits the input ${input.path}: each Run starts another one, without end`);
    }
  }
  return warnings;
}

/** How many Plans of a cycle are named. */
const named = 10;

/** The same of a Plan whose results come back to its inputs over others, in the order in which they feed each other. */
export function cycleWarning(planIds: readonly PlanId[]): string {
  const others = planIds.length > named ? ` and ${planIds.length - named} more` : '';
  const names = `${planIds.length === 1 ? 'the Plan' : 'the Plans'} ${planIds.slice(0, named).join(', ')}${others}`;
  return `what it makes comes back to its own input over ${names}: each Run starts others, without end`;
}
