import {
  annotationSet,
  checkDisjoint,
  checkedOnNode,
  checkedResources,
  checkedServiceAccount,
  definePlan,
  inputTagSet,
  type PlanInput,
  parseImage,
  parseMountPath,
  userTagSet,
} from '@knitfab/core';

/** A rule, and the part of the Plan that breaks it when it throws `Invalid`. */
interface Rule {
  readonly path: readonly (string | number)[];
  readonly check: () => unknown;
}

/** The rules of spec page 1 for a Plan, piece by piece, so that each knows where it was broken. */
export function* planRules(plan: PlanInput): Generator<Rule> {
  yield { path: ['image'], check: () => parseImage(plan.image) };
  yield* mountpointRules(plan);
  const { log } = plan;
  if (log) yield { path: ['log', 'tags'], check: () => userTagSet(log.tags, 'the log') };
  for (const [index, annotation] of (plan.annotations ?? []).entries()) {
    yield { path: ['annotations', index], check: () => annotationSet([annotation]) };
  }
  for (const kind of ['may', 'prefer', 'must'] as const) {
    for (const [index, label] of (plan.on_node?.[kind] ?? []).entries()) {
      yield { path: ['on_node', kind, index], check: () => checkedOnNode({ [kind]: [label] }) };
    }
  }
  for (const [name, quantity] of Object.entries(plan.resources ?? {})) {
    yield { path: ['resources', name], check: () => checkedResources({ [name]: quantity }) };
  }
  const account = plan.service_account;
  if (account) yield { path: ['service_account'], check: () => checkedServiceAccount(account) };
  // Whatever concerns the Plan as a whole.
  yield { path: ['inputs'], check: () => definePlan(plan) };
}

function* mountpointRules(plan: PlanInput): Generator<Rule> {
  const paths: string[] = [];
  for (const kind of ['inputs', 'outputs'] as const) {
    const tagRule = kind === 'inputs' ? inputTagSet : userTagSet;
    for (const [index, { path, tags }] of (plan[kind] ?? []).entries()) {
      yield {
        path: [kind, index, 'path'],
        check: () => {
          paths.push(parseMountPath(path));
          checkDisjoint(paths);
        },
      };
      yield { path: [kind, index, 'tags'], check: () => tagRule(tags, `the ${kind.slice(0, -1)} ${path}`) };
    }
  }
}
