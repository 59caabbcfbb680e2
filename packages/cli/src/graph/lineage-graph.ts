import type { Lineage, LineageData, LineageEdge, RunSummary } from '@knitfab/api';
import { timestampTagKey } from '@knitfab/core';
import { outcomeInWords, planInWords, planName, transience, userTagsOf } from '../output/describe.ts';
import { endsOf } from './ends.ts';
import { commandLine, type Graph, type GraphEdge, type GraphNode, type Progress, shortId } from './graph.ts';
import { planDetails } from './plan-details.ts';

/** A lineage as a graph of Data and Runs. */
export function lineageGraph({ root, data, runs, edges: connections, truncated }: Lineage): Graph {
  const nodes = [...data.map(dataNode), ...runs.map(runNode)];
  const edges = connections.map(lineageEdge).sort(byLabel);
  return {
    title: `knit data lineage ${root}`,
    root,
    nodes,
    edges,
    sections: { up: 'made from', down: 'used for' },
    ends: endsOf({ root, nodes, edges, truncated }),
  };
}

function dataNode({ knitId, tags }: LineageData): GraphNode {
  const state = transience(tags);
  const finished = tags.find((tag) => tag.startsWith(`${timestampTagKey}:`));
  const userTags = userTagsOf(tags);
  const lines = [...(state === undefined ? [] : [`(${state})`]), ...userTags];
  return {
    id: knitId,
    kind: 'Data',
    name: shortId(knitId),
    lines,
    words: lines,
    ...(state !== undefined && { progress: state === 'failed' ? 'failed' : 'under way' }),
    details: [
      ...(state === undefined ? [] : [{ label: 'state', values: [state] }]),
      ...(finished === undefined
        ? []
        : [{ label: 'finished', values: [finished.slice(timestampTagKey.length + 1)] }]),
      { label: 'tags', values: userTags },
    ],
  };
}

const progressOf: Readonly<Record<RunSummary['status'], Progress>> = {
  done: 'done',
  failed: 'failed',
  aborting: 'failed',
  completing: 'under way',
  running: 'under way',
  starting: 'under way',
  ready: 'waiting',
  waiting: 'waiting',
  deactivated: 'waiting',
};

function runNode(run: RunSummary): GraphNode {
  const { runId, status, updatedAt, plan } = run;
  const command = commandLine([...(plan.entrypoint ?? []), ...(plan.args ?? [])]);
  return {
    id: runId,
    kind: 'Run',
    name: planName(plan),
    lines: [outcomeInWords(run), ...(command === '' ? [] : [command])],
    words: [outcomeInWords(run), planInWords(plan)],
    progress: progressOf[status] ?? 'under way',
    details: [
      { label: 'status', values: [outcomeInWords(run)] },
      { label: 'changed', values: [updatedAt] },
      { label: 'plan', values: [plan.planId] },
      ...planDetails(plan),
    ],
  };
}

function lineageEdge({ runId, knitId, role, path }: LineageEdge): GraphEdge {
  const label = path ?? 'log';
  return role === 'input' ? { from: knitId, to: runId, label } : { from: runId, to: knitId, label };
}

const byLabel = (a: GraphEdge, b: GraphEdge): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
