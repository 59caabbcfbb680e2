import type { Lineage, PlanGraph } from '@knitfab/api';

const run = (runId: string, image: string) => ({
  runId,
  status: 'done' as const,
  updatedAt: '2024-03-06T09:25:16.586+00:00',
  plan: { planId: `plan-of-${runId}`, image },
});

/** raw → prep → clean (+ log) → train → model; raw is used by train, too. */
export const sampleLineage: Lineage = {
  root: 'clean',
  data: ['raw', 'clean', 'log', 'model'].map((knitId) => ({
    knitId,
    tags: [`knit#id:${knitId}`, `type:${knitId}`],
  })),
  runs: [run('prep', 'prep:v1'), run('train', 'train:v2')],
  edges: [
    { runId: 'prep', knitId: 'raw', role: 'input', path: '/in' },
    { runId: 'prep', knitId: 'clean', role: 'output', path: '/out' },
    { runId: 'prep', knitId: 'log', role: 'log' },
    { runId: 'train', knitId: 'raw', role: 'input', path: '/in/raw' },
    { runId: 'train', knitId: 'clean', role: 'input', path: '/in/clean' },
    { runId: 'train', knitId: 'model', role: 'output', path: '/out' },
  ],
  truncated: { up: false, down: true },
};

/** The sample, in which every Data has one tag. */
export const lineageWithTag = (tag: string): Lineage => ({
  ...sampleLineage,
  data: sampleLineage.data.map((data) => ({ ...data, tags: [tag] })),
});

/** Both inputs of a comparison come from the same Data. */
export const diamond: Lineage = {
  root: 'result',
  data: ['raw', 'a', 'b', 'result'].map((knitId) => ({ knitId, tags: [] })),
  runs: [run('upload', 'u:1'), run('split', 's:1'), run('compare', 'c:1')],
  edges: [
    { runId: 'upload', knitId: 'raw', role: 'output', path: '/upload' },
    { runId: 'split', knitId: 'raw', role: 'input', path: '/in' },
    { runId: 'split', knitId: 'a', role: 'output', path: '/a' },
    { runId: 'split', knitId: 'b', role: 'output', path: '/b' },
    { runId: 'compare', knitId: 'a', role: 'input', path: '/1' },
    { runId: 'compare', knitId: 'b', role: 'input', path: '/2' },
    { runId: 'compare', knitId: 'result', role: 'output', path: '/out' },
  ],
  truncated: { up: false, down: false },
};

/** A chain of Data and Runs of this many steps, each made from the one before and from some earlier one. */
export function longLineage(steps: number): Lineage {
  const ids = Array.from({ length: steps + 1 }, (_, index) => `data-${index}`);
  return {
    root: 'data-0',
    data: ids.map((knitId) => ({ knitId, tags: [`name:${knitId}`] })),
    runs: ids.slice(1).map((_, index) => run(`run-${index}`, 'step:v1')),
    edges: ids.slice(1).flatMap((knitId, index) => [
      { runId: `run-${index}`, knitId: `data-${index}`, role: 'input' as const, path: '/in' },
      { runId: `run-${index}`, knitId: `data-${(index * 7) >> 3}`, role: 'input' as const, path: '/earlier' },
      { runId: `run-${index}`, knitId, role: 'output' as const, path: '/out' },
    ]),
    truncated: { up: false, down: false },
  };
}

/** Two Plans that feed each other, and one that both the output and the log of the second feed. */
export const samplePlans: PlanGraph = {
  root: 'clean',
  plans: [
    { planId: 'clean', image: 'clean:v1', entrypoint: ['sh', '-c', 'echo hello'] },
    { planId: 'again', image: 'again:v1', annotations: ['team=research'] },
    { planId: 'report', image: 'report:v1' },
  ],
  edges: [
    {
      from: { planId: 'clean', mountpoint: { path: '/out', tags: ['t:a'] } },
      to: { planId: 'again', mountpoint: { path: '/in', tags: ['t:a'] } },
    },
    {
      from: { planId: 'again', mountpoint: { path: '/out', tags: ['t:b'] } },
      to: { planId: 'clean', mountpoint: { path: '/in', tags: ['t:b'] } },
    },
    {
      from: { planId: 'again', mountpoint: { path: '/out', tags: ['t:b'] } },
      to: { planId: 'report', mountpoint: { path: '/in', tags: ['t:b'] } },
    },
    {
      from: { planId: 'again', log: { tags: ['t:log'] } },
      to: { planId: 'report', mountpoint: { path: '/log', tags: ['t:log'] } },
    },
  ],
  truncated: { up: false, down: false },
};
