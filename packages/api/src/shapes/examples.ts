// Things as they look on the wire, for the API's description: one upload, a Plan that fits it, and the Run of both.

const knitId = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
const planId = '2796f30a-7390-43eb-b1c9-e231f5a1163f';

const uploadedRun = {
  runId: '500ec151-e5b0-4fab-b561-27870bf04d20',
  status: 'done',
  updatedAt: '2026-11-22T17:33:19.573+00:00',
  plan: { planId: 'bfa59ecd-a78e-44ec-a3ba-236dda0fc236', name: 'knit#uploaded' },
};

const plan = {
  planId,
  image: 'host:v1',
  entrypoint: ['sh', '-c'],
  args: ['wc -w /in/mails/* > /out/counts/words.txt'],
  annotations: ['owner=ann'],
};

const input = { path: '/in/mails', tags: ['type:mail'] };
const output = { path: '/out/counts', tags: ['type:word-count'] };
const log = { tags: ['type:log'] };

export const planSpecExample = {
  image: plan.image,
  entrypoint: plan.entrypoint,
  args: plan.args,
  annotations: plan.annotations,
  inputs: [input],
  outputs: [output],
  log,
  active: true,
  resources: { cpu: '500m', memory: '256Mi' },
};

export const planExample = {
  ...plan,
  inputs: [{ ...input, upstreams: [] }],
  outputs: [{ ...output, downstreams: [] }],
  log: { ...log, downstreams: [] },
  active: true,
  resources: planSpecExample.resources,
};

const runSummaryExample = {
  runId: 'e1b18a2a-9e46-40aa-acb6-b54f335e4d0e',
  status: 'done',
  updatedAt: '2026-11-22T17:34:50.934+00:00',
  exit: { code: 0, message: '' },
  plan,
};

export const runExample = {
  ...runSummaryExample,
  inputs: [{ ...input, knitId }],
  outputs: [{ ...output, knitId: 'e71198be-8069-44d4-9c0e-ada4a52e2644' }],
  log: { ...log, knitId: 'e51f3d36-bae1-4f53-95e7-a4eddae62ca5' },
};

export const dataExample = {
  knitId,
  tags: [`knit#id:${knitId}`, `knit#timestamp:${uploadedRun.updatedAt}`, 'type:mail'],
  upstream: { mountpoint: { path: '/upload', tags: [] }, run: uploadedRun },
  downstreams: [{ mountpoint: input, run: runSummaryExample }],
  nomination: [{ ...input, plan }],
};

export const errorExample = {
  message:
    '"raw" is not a tag: there is no ":" between key and value\nWrite it as key:value, such as type:raw.',
  reason: '"raw" is not a tag: there is no ":" between key and value',
  advice: 'Write it as key:value, such as type:raw.',
};
