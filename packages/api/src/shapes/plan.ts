import { z } from 'zod';
import { listOrAbsent } from './absent.ts';
import { planExample, planSpecExample } from './examples.ts';
import { uuidText } from './ids.ts';
import { tagInput, tagText } from './tag.ts';

const annotationText = z
  .string()
  .meta({ id: 'Annotation', description: 'key=value', examples: ['owner=ann'] });

/** A Plan in short; it has an image, or, as a pseudo plan, a name. */
export const planSummary = z
  .object({
    planId: uuidText,
    image: z.string().optional(),
    name: z.string().optional(),
    entrypoint: z.array(z.string()).optional(),
    args: z.array(z.string()).optional(),
    annotations: z.array(annotationText).optional(),
  })
  .meta({ id: 'PlanSummary', description: 'A Plan in short; it has an image or, as a pseudo plan, a name' });

export const mountpoint = z
  .object({ path: z.string(), tags: z.array(tagText) })
  .meta({ id: 'Mountpoint', description: 'Where a Data is mounted, and the tags that go with the place' });

export const logPoint = z
  .object({ tags: z.array(tagText) })
  .meta({ id: 'LogPoint', description: 'The tags of the Data that keeps stdout and stderr' });

export const onNode = z
  .object({
    may: z.array(z.string()).optional(),
    prefer: z.array(z.string()).optional(),
    must: z.array(z.string()).optional(),
  })
  .meta({ id: 'OnNode' });

/** A Plan's output or log that feeds an input: `mountpoint` or `log`. */
export const planUpstream = z
  .object({ plan: planSummary, mountpoint: mountpoint.optional(), log: logPoint.optional() })
  .meta({
    id: 'PlanUpstream',
    description: 'A Plan whose output (`mountpoint`) or `log` has all the tags of an input',
  });

/** A Plan's input that an output or log feeds. */
export const planDownstream = z
  .object({ plan: planSummary, mountpoint })
  .meta({ id: 'PlanDownstream', description: 'A Plan with an input whose tags an output or log all has' });

/** Budgets of retries by cause: an addition to 1.6. */
export const retry = z
  .object({
    lost: z.int().min(0).max(100).optional(),
    error: z.int().min(0).max(100).optional(),
    backoff: z.string().optional(),
  })
  .meta({
    id: 'Retry',
    description:
      'How often a failed Run is tried again: `lost` where the system is at fault (3 by default), `error` where the code is (0); `backoff` is the first pause, as `10s`',
  });

export const planDetail = z
  .object({
    ...planSummary.shape,
    inputs: z.array(z.object({ ...mountpoint.shape, upstreams: z.array(planUpstream) })),
    outputs: z.array(z.object({ ...mountpoint.shape, downstreams: z.array(planDownstream) })),
    log: z.object({ ...logPoint.shape, downstreams: z.array(planDownstream) }).optional(),
    active: z.boolean(),
    on_node: onNode.optional(),
    resources: z.record(z.string(), z.string()).optional(),
    service_account: z.string().optional(),
    max_running: z.int().optional(),
    priority: z.int().optional(),
    retry: retry.optional(),
  })
  .meta({ id: 'PlanDetail', description: 'A Plan in full', examples: [planExample] });

const mountpointInput = z
  .object({ path: z.string(), tags: listOrAbsent(tagInput) })
  .meta({ id: 'MountpointInput', description: 'Where a Data is mounted, and its tags' });

const listOfText = z.array(z.string()).nullish();

/** An amount by resource name; a plain number is as good as its text. */
export const resourcesInput = z
  .record(z.string(), z.union([z.string(), z.number().transform(String)], { error: 'must be a quantity' }))
  .meta({ id: 'ResourcesInput', description: 'Kubernetes quantities by resource name' });

const count = z.int().nullish();

/** When and how often Runs are started; core's `defineScheduling` checks the bounds. */
const schedulingInput = {
  max_running: count.meta({ description: 'How many Runs of the Plan may be under way at once' }),
  priority: count.meta({ description: 'Runs of Plans with a higher one start first, −1000 to 1000' }),
  retry: z.object({ lost: count, error: count, backoff: z.string().nullish() }).nullish(),
};

/** What is absent stays as it is, null is the default. */
export const schedulingChange = z.object(schedulingInput).meta({ id: 'SchedulingChange' });

/** A Plan to register, with tags read; `definePlan` of core checks the rules. */
export const planSpec = z
  .object({
    image: z.string().meta({ description: '[host[:port]/]repository[:tag]; without a tag: latest' }),
    entrypoint: listOfText.meta({ description: "In place of the image's own" }),
    args: listOfText.meta({ description: "In place of the image's own" }),
    inputs: listOrAbsent(mountpointInput).meta({
      description: 'At least one, each with an absolute path and at least one tag',
    }),
    outputs: listOrAbsent(mountpointInput).meta({
      description: 'No path may equal, contain or be contained in another, those of inputs included',
    }),
    log: z
      .object({ tags: listOrAbsent(tagInput) })
      .nullish()
      .meta({ description: 'Tags of the Data that keeps stdout and stderr; without, they are not kept' }),
    on_node: z
      .object({ may: listOfText, prefer: listOfText, must: listOfText })
      .nullish()
      .meta({ description: 'Where Runs may, should and must be placed: labels of nodes, as key=value' }),
    active: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether Runs are started; true unless told otherwise' }),
    resources: resourcesInput
      .nullish()
      .meta({ description: 'What each Run gets; cpu 1 and memory 1Gi unless told otherwise' }),
    annotations: listOfText.meta({ description: 'key=value, for people; no part of what the Plan is' }),
    service_account: z.string().nullish().meta({ description: 'ServiceAccount of workers on Kubernetes' }),
    ...schedulingInput,
  })
  .meta({ id: 'PlanSpec', description: 'A Plan to register', examples: [planSpecExample] });

export const resourceChange = z
  .object({
    set: resourcesInput.nullish().transform((set) => set ?? {}),
    unset: listOrAbsent(z.string()),
  })
  .meta({
    id: 'ResourceChange',
    description: 'What is unset falls back to its default; then the others are set',
    examples: [{ set: { cpu: '2' }, unset: ['memory'] }],
  });

/** Removal first (spec page 2). */
export const annotationChange = z
  .object({
    add: listOrAbsent(annotationText),
    remove: listOrAbsent(annotationText),
    remove_key: listOrAbsent(z.string()),
  })
  .meta({
    id: 'AnnotationChange',
    description: 'Removal comes first; `remove_key` removes all annotations of a key',
    examples: [{ add: ['owner=ann'], remove: ['stage=trial'], remove_key: ['todo'] }],
  });

export const serviceAccountChange = z
  .object({ service_account: z.string() })
  .meta({ id: 'ServiceAccountChange', examples: [{ service_account: 'trainer' }] });

export type PlanSummary = z.infer<typeof planSummary>;
export type Mountpoint = z.infer<typeof mountpoint>;
export type LogPoint = z.infer<typeof logPoint>;
export type PlanUpstream = z.infer<typeof planUpstream>;
export type PlanDownstream = z.infer<typeof planDownstream>;
export type PlanDetail = z.infer<typeof planDetail>;
/** A Plan as a client writes it. */
export type PlanSpec = z.input<typeof planSpec>;
export type ResourceChange = z.input<typeof resourceChange>;
export type AnnotationChange = z.input<typeof annotationChange>;
export type SchedulingChange = z.input<typeof schedulingChange>;
export type ServiceAccountChange = z.input<typeof serviceAccountChange>;
