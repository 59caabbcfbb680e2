import type { Client, Mountpoint, PlanDetail, PlanGraph, PlanGraphEdge, PlanSummary } from '@knitfab/api';
import type { Way } from '../graph.ts';
import { type Extent, limitOf, requestsAtOnce, waysOf } from './extent.ts';
import { sideBySide } from './side-by-side.ts';

/** Gathers a graph of Plans level by level, as a 1.6 server wants it: each Plan names the ones it is connected to. */
export async function walkPlans(client: Client, planId: string, extent: Extent): Promise<PlanGraph> {
  const plans = new Map<string, Promise<PlanDetail>>();
  const plan = (id: string): Promise<PlanDetail> => {
    const detail = plans.get(id) ?? client.getPlan(id);
    plans.set(id, detail);
    return detail;
  };
  const { planId: root } = await plan(planId);
  const edges = new Map<string, PlanGraphEdge>();
  const beyond: Record<Way, PlanGraphEdge[]> = { up: [], down: [] };
  const limit = limitOf(extent);
  for (const way of waysOf(extent)) {
    const seen = new Set([root]);
    let level = [root];
    for (let depth = 0; level.length > 0; depth++) {
      const details = await sideBySide(level, requestsAtOnce, plan);
      const found = details.flatMap(way === 'up' ? upstreamsOf : downstreamsOf);
      if (depth === limit) {
        beyond[way] = found;
        break;
      }
      for (const edge of found) edges.set(JSON.stringify(edge), edge);
      const reached = found.map(({ from, to }) => (way === 'up' ? from : to).planId);
      level = [...new Set(reached)].filter((id) => !seen.has(id));
      for (const id of level) seen.add(id);
    }
  }
  const goesOn = (way: Way): boolean => beyond[way].some((edge) => !edges.has(JSON.stringify(edge)));
  const ids = new Set([root, ...[...edges.values()].flatMap(({ from, to }) => [from.planId, to.planId])]);
  return {
    root,
    plans: await sideBySide([...ids], requestsAtOnce, async (id) => summary(await plan(id))),
    edges: [...edges.values()],
    truncated: { up: goesOn('up'), down: goesOn('down') },
  };
}

/** The connections that feed a Plan's inputs. */
const upstreamsOf = ({ planId, inputs }: PlanDetail): PlanGraphEdge[] =>
  inputs.flatMap(({ path, tags, upstreams }) =>
    upstreams.map(({ plan, mountpoint, log }) => ({
      from: { planId: plan.planId, ...(mountpoint ? { mountpoint: point(mountpoint) } : { log }) },
      to: { planId, mountpoint: { path, tags } },
    })),
  );

/** The connections of a Plan's outputs and log. */
const downstreamsOf = ({ planId, outputs, log }: PlanDetail): PlanGraphEdge[] => [
  ...outputs.flatMap(({ path, tags, downstreams }) =>
    downstreams.map(({ plan, mountpoint }) => ({
      from: { planId, mountpoint: { path, tags } },
      to: { planId: plan.planId, mountpoint: point(mountpoint) },
    })),
  ),
  ...(log?.downstreams ?? []).map(({ plan, mountpoint }) => ({
    from: { planId, log: { tags: log?.tags ?? [] } },
    to: { planId: plan.planId, mountpoint: point(mountpoint) },
  })),
];

/** In one form, however servers write it: the same connection is met from both sides. */
const point = ({ path, tags }: Mountpoint): Mountpoint => ({ path, tags });

const summary = ({ planId, image, name, entrypoint, args, annotations }: PlanDetail): PlanSummary => ({
  planId,
  ...(image !== undefined && { image }),
  ...(name !== undefined && { name }),
  ...(entrypoint && { entrypoint }),
  ...(args && { args }),
  ...(annotations && { annotations }),
});
