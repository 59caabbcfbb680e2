import { createHash } from 'node:crypto';
import { annotationSet } from './annotation.ts';
import { Invalid } from './errors.ts';
import { formatImage, type Image, parseImage } from './image.ts';
import { checkDisjoint, parseMountPath } from './mount-path.ts';
import { checkedOnNode, type OnNode } from './node-label.ts';
import { dnsSubdomain } from './qualified-name.ts';
import { checkedResources, type Resources } from './quantity.ts';
import { defineScheduling, type Scheduling, type SchedulingInput } from './scheduling.ts';
import { formatTag, inputTagSet, type Tag, userTagSet } from './tag.ts';
import { shorten } from './text.ts';

/** A place in the worker's file system, and the tags of the Data there. */
export interface Mountpoint {
  readonly path: string;
  readonly tags: readonly Tag[];
}

/** Where stdout and stderr go: a Data with these tags. */
export interface LogPoint {
  readonly tags: readonly Tag[];
}

/** A Plan as users write it, checked: every field in its one spelling, sets sorted. */
export interface PlanDefinition {
  readonly image: Image;
  readonly entrypoint?: readonly string[];
  readonly args?: readonly string[];
  readonly inputs: readonly Mountpoint[];
  readonly outputs: readonly Mountpoint[];
  readonly log?: LogPoint;
  readonly onNode: OnNode;
  readonly active: boolean;
  readonly resources: Resources;
  readonly annotations: readonly string[];
  readonly serviceAccount?: string;
  readonly scheduling: Scheduling;
}

/** A Plan as it comes from outside: field names of the API, tags read but not yet checked. */
export interface PlanInput extends SchedulingInput {
  image: string;
  entrypoint?: readonly string[] | null | undefined;
  args?: readonly string[] | null | undefined;
  inputs: readonly Mountpoint[];
  outputs?: readonly Mountpoint[] | null | undefined;
  log?: LogPoint | null | undefined;
  on_node?:
    | {
        may?: readonly string[] | null | undefined;
        prefer?: readonly string[] | null | undefined;
        must?: readonly string[] | null | undefined;
      }
    | null
    | undefined;
  active?: boolean | null | undefined;
  resources?: Readonly<Record<string, string>> | null | undefined;
  annotations?: readonly string[] | null | undefined;
  service_account?: string | null | undefined;
}

/** Most inputs, and most outputs, of one Plan: the key of a combination has to fit into an index entry. */
export const maxMountpoints = 100;

/**
 * Checks a Plan by the rules of spec page 1.
 * @throws {Invalid} naming the first rule that it breaks
 */
export function definePlan(input: PlanInput): PlanDefinition {
  const inputs = input.inputs.map((mountpoint) => ({
    path: parseMountPath(mountpoint.path),
    tags: inputTagSet(mountpoint.tags, `the input ${mountpoint.path}`),
  }));
  const outputs = (input.outputs ?? []).map((mountpoint) => ({
    path: parseMountPath(mountpoint.path),
    tags: userTagSet(mountpoint.tags, `the output ${mountpoint.path}`),
  }));
  if (inputs.length === 0) {
    throw new Invalid({
      reason: 'the plan has no inputs',
      advice: 'A Plan is started by Data that fit its inputs: name at least one, with its tags.',
    });
  }
  for (const [kind, list] of [
    ['inputs', inputs],
    ['outputs', outputs],
  ] as const) {
    if (list.length > maxMountpoints)
      throw new Invalid(`the plan has ${list.length} ${kind}; ${maxMountpoints} are allowed`);
  }
  const untagged = inputs.find((mountpoint) => mountpoint.tags.length === 0);
  if (untagged !== undefined) {
    throw new Invalid({
      reason: `the input ${untagged.path} has no tags`,
      advice: 'Every Data would fit it: give it at least one tag.',
    });
  }
  checkDisjoint([...inputs, ...outputs].map((mountpoint) => mountpoint.path));
  for (const text of [...(input.entrypoint ?? []), ...(input.args ?? [])]) {
    if (text.includes('\0') || !text.isWellFormed())
      throw new Invalid(
        'entrypoint or args hold a zero byte or half of a surrogate pair, which no command line can carry',
      );
  }
  const { may, prefer, must } = input.on_node ?? {};
  return {
    image: parseImage(input.image),
    ...(input.entrypoint && input.entrypoint.length > 0 && { entrypoint: input.entrypoint }),
    ...(input.args && input.args.length > 0 && { args: input.args }),
    inputs: byPath(inputs),
    outputs: byPath(outputs),
    ...(input.log && { log: { tags: userTagSet(input.log.tags, 'the log') } }),
    onNode: checkedOnNode({ ...(may && { may }), ...(prefer && { prefer }), ...(must && { must }) }),
    active: input.active ?? true,
    resources: checkedResources(input.resources ?? {}),
    annotations: annotationSet(input.annotations ?? []),
    ...(input.service_account && { serviceAccount: checkedServiceAccount(input.service_account) }),
    scheduling: defineScheduling(input),
  };
}

const serviceAccountName = new RegExp(`^${dnsSubdomain}$`);

/** @throws {Invalid} when it is no name of a Kubernetes ServiceAccount (a DNS subdomain, RFC 1123) */
export function checkedServiceAccount(name: string): string {
  if (name.length > 253 || !serviceAccountName.test(name)) {
    throw new Invalid({
      reason: `"${shorten(name)}" is not the name of a service account`,
      advice: 'Use lower case letters, digits, "-" and ".".',
    });
  }
  return name;
}

const byPath = (mountpoints: readonly Mountpoint[]): Mountpoint[] =>
  [...mountpoints].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));

/**
 * The digest of a Plan's identity: image, entrypoint, args, inputs, outputs, log and on_node, and nothing else
 * (spec page 1). Plans with equal digests are the same Plan.
 * @returns SHA-256, 32 bytes
 */
export function planIdentity(plan: PlanDefinition): Buffer {
  const mountpoint = ({ path, tags }: Mountpoint) => [path, tags.map(formatTag)];
  const identity = [
    formatImage(plan.image),
    plan.entrypoint ?? null,
    plan.args ?? null,
    plan.inputs.map(mountpoint),
    plan.outputs.map(mountpoint),
    plan.log?.tags.map(formatTag) ?? null,
    [plan.onNode.may ?? [], plan.onNode.prefer ?? [], plan.onNode.must ?? []],
  ];
  return createHash('sha256').update(JSON.stringify(identity)).digest();
}

/** Pseudo plans have a name in place of an image (spec page 1). */
export const pseudoPlans = {
  uploaded: { name: 'knit#uploaded', outputPath: '/upload' },
  imported: { name: 'knit#imported', outputPath: '/imported' },
} as const;
