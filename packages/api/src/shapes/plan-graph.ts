import { z } from 'zod';
import { uuidText } from './ids.ts';
import { logPoint, mountpoint, planSummary } from './plan.ts';

/** An output or the log of a Plan (`mountpoint` or `log`) that feeds an input of a Plan, maybe of the same one. */
export const planGraphEdge = z
  .object({
    from: z.object({ planId: uuidText, mountpoint: mountpoint.optional(), log: logPoint.optional() }),
    to: z.object({ planId: uuidText, mountpoint }),
  })
  .meta({ id: 'PlanGraphEdge', description: 'An output or the log of a Plan that feeds an input' });

/**
 * A part of the graph of connected Plans: those before and after `root` within a depth counted in Plans. A Plan less than
 * the depth away shows what feeds it (up) or what it feeds (down). `truncated` says whether Plans at the depth have
 * connections that are not shown.
 */
export const planGraph = z
  .object({
    root: uuidText,
    plans: z.array(planSummary),
    edges: z.array(planGraphEdge),
    truncated: z.object({ up: z.boolean(), down: z.boolean() }),
  })
  .meta({ id: 'PlanGraph' });

export type PlanGraphEdge = z.infer<typeof planGraphEdge>;
export type PlanGraph = z.infer<typeof planGraph>;
