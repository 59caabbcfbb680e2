import { z } from 'zod';

// The shapes of spec page 2, written down once more: nothing here comes from the server's own schemas. Fields that the page
// does not name are passed over; those that it names are there or left out exactly as it says.

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'is not a UUID');

/** RFC 3339 with a numeric offset, never `Z`; milliseconds, of which trailing zeros may be left out. */
export const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?[+-]\d{2}:\d{2}$/;
const time = z.string().regex(timePattern, 'is not a time with a numeric offset');

const sorted = (list: readonly string[]): boolean =>
  list.every((item, at) => at === 0 || (list[at - 1] ?? '') <= item);

/** `key:value`, sorted; the page names no order of other kinds, so code units count. */
const tags = z
  .array(z.string().regex(/^[^:]+:/, 'is not key:value'))
  .refine(sorted, { error: 'are not sorted' });

/** A list that is left out when it is empty. */
const present = z.array(z.string()).min(1, 'is empty and should be left out').optional();

const keyEqualsValue = z
  .array(z.string().regex(/^[^=]+=/, 'is not key=value'))
  .min(1)
  .optional();

export const planSummary = z
  .object({
    planId: uuid,
    image: z
      .string()
      .regex(/^.+:[^:/]+$/, 'is not repository:tag')
      .optional(),
    name: z.string().min(1).optional(),
    entrypoint: present,
    args: present,
    annotations: keyEqualsValue,
  })
  .refine(({ image, name }) => (image === undefined) !== (name === undefined), {
    error: 'has not exactly one of image and name',
  });

const path = z.string().regex(/^\//, 'is not absolute');
const mountpoint = z.object({ path, tags });
const logPoint = z.object({ tags });

const fedBy = z
  .object({ plan: planSummary, mountpoint: mountpoint.optional(), log: logPoint.optional() })
  .refine(({ mountpoint: at, log }) => (at === undefined) !== (log === undefined), {
    error: 'has not exactly one of mountpoint and log',
  });
const feeds = z.object({ plan: planSummary, mountpoint });

export const planDetail = planSummary.safeExtend({
  inputs: z.array(mountpoint.extend({ upstreams: z.array(fedBy) })).min(1),
  outputs: z.array(mountpoint.extend({ downstreams: z.array(feeds) })),
  log: logPoint.extend({ downstreams: z.array(feeds) }).optional(),
  active: z.boolean(),
  on_node: z.object({ may: keyEqualsValue, prefer: keyEqualsValue, must: keyEqualsValue }).optional(),
  resources: z.record(z.string(), z.string()).optional(),
  service_account: z.string().min(1).optional(),
});

export const statuses = [
  'deactivated',
  'waiting',
  'ready',
  'starting',
  'running',
  'completing',
  'aborting',
  'done',
  'failed',
] as const;

export const runSummary = z.object({
  runId: uuid,
  status: z.enum(statuses),
  updatedAt: time,
  exit: z.object({ code: z.int().min(0).max(255), message: z.string() }).optional(),
  plan: planSummary,
});

const assignment = mountpoint.extend({ knitId: uuid });

export const runDetail = runSummary.extend({
  inputs: z.array(assignment),
  outputs: z.array(assignment),
  log: logPoint.extend({ knitId: uuid }).nullable(),
});

export const dataDetail = z.object({
  knitId: uuid,
  tags,
  upstream: z
    .object({ run: runSummary, mountpoint: mountpoint.optional(), log: logPoint.optional() })
    .refine(({ mountpoint: at, log }) => (at === undefined) !== (log === undefined), {
      error: 'has not exactly one of mountpoint and log',
    }),
  downstreams: z.array(z.object({ mountpoint, run: runSummary })),
  nomination: z.array(mountpoint.extend({ plan: planSummary })),
});

export type DataDetail = z.output<typeof dataDetail>;
export type PlanDetail = z.output<typeof planDetail>;
export type RunDetail = z.output<typeof runDetail>;
