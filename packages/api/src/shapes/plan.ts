import { z } from 'zod';
import { listOrAbsent } from './absent.ts';
import { uuidText } from './ids.ts';
import { tagInput, tagText } from './tag.ts';

const annotationText = z.string().meta({ id: 'Annotation', description: 'key=value' });

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

export const mountpoint = z.object({ path: z.string(), tags: z.array(tagText) }).meta({ id: 'Mountpoint' });

export const logPoint = z.object({ tags: z.array(tagText) }).meta({ id: 'LogPoint' });

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
  .meta({ id: 'PlanUpstream' });

/** A Plan's input that an output or log feeds. */
export const planDownstream = z.object({ plan: planSummary, mountpoint }).meta({ id: 'PlanDownstream' });

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
  })
  .meta({ id: 'PlanDetail' });

const mountpointInput = z
  .object({ path: z.string(), tags: listOrAbsent(tagInput) })
  .meta({ id: 'MountpointInput' });

const listOfText = z.array(z.string()).nullish();

/** An amount by resource name; a plain number is as good as its text. */
export const resourcesInput = z
  .record(z.string(), z.union([z.string(), z.number().transform(String)], { error: 'must be a quantity' }))
  .meta({ id: 'ResourcesInput', description: 'Kubernetes quantities by resource name' });

/** A Plan to register, with tags read; `definePlan` of core checks the rules. */
export const planSpec = z
  .object({
    image: z.string(),
    entrypoint: listOfText,
    args: listOfText,
    inputs: listOrAbsent(mountpointInput),
    outputs: listOrAbsent(mountpointInput),
    log: z.object({ tags: listOrAbsent(tagInput) }).nullish(),
    on_node: z.object({ may: listOfText, prefer: listOfText, must: listOfText }).nullish(),
    active: z.boolean().nullish(),
    resources: resourcesInput.nullish(),
    annotations: listOfText,
    service_account: z.string().nullish(),
  })
  .meta({ id: 'PlanSpec' });

export const resourceChange = z
  .object({
    set: resourcesInput.nullish().transform((set) => set ?? {}),
    unset: listOrAbsent(z.string()),
  })
  .meta({ id: 'ResourceChange' });

/** Removal first (spec page 2). */
export const annotationChange = z
  .object({
    add: listOrAbsent(annotationText),
    remove: listOrAbsent(annotationText),
    remove_key: listOrAbsent(z.string()),
  })
  .meta({ id: 'AnnotationChange' });

export const serviceAccountChange = z
  .object({ service_account: z.string() })
  .meta({ id: 'ServiceAccountChange' });

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
export type ServiceAccountChange = z.input<typeof serviceAccountChange>;
