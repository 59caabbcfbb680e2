import type { PlanGraph, PlanGraphEdge, PlanSummary } from '@knitfab/api';
import { placeInWords, planInWords, planName } from '../output/describe.ts';
import { endsOf } from './ends.ts';
import { commandLine, type Graph, type GraphEdge, type GraphNode } from './graph.ts';
import { planDetails } from './plan-details.ts';

/** Connected Plans as a graph: an edge for each output or log that feeds an input. */
export function planGraph({ root, plans, edges: connections, truncated }: PlanGraph): Graph {
  const nodes = plans.map(planNode);
  const edges = connections.map(planEdge);
  return {
    title: `knit plan graph ${root}`,
    root,
    nodes,
    edges,
    sections: { up: 'fed by', down: 'feeds' },
    ends: endsOf({ root, nodes, edges, truncated }),
  };
}

function planNode(plan: PlanSummary): GraphNode {
  const command = commandLine([...(plan.entrypoint ?? []), ...(plan.args ?? [])]);
  return {
    id: plan.planId,
    kind: 'Plan',
    name: planName(plan),
    lines: [...(command === '' ? [] : [command]), ...(plan.annotations ?? [])],
    words: [planInWords(plan)],
    details: planDetails(plan),
  };
}

const planEdge = ({ from, to }: PlanGraphEdge): GraphEdge => ({
  from: from.planId,
  to: to.planId,
  label: `${placeInWords(from)} → ${to.mountpoint.path}`,
});
