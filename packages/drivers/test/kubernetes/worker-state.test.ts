import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Job, KubernetesEvent, Pod } from '../../src/kubernetes/client/resource-type.ts';
import { defaultWorkerOptions } from '../../src/kubernetes/options.ts';
import type { WorkerSight } from '../../src/kubernetes/worker-state/worker-sight.ts';
import { workerState } from '../../src/kubernetes/worker-state/worker-state.ts';

/** What a cluster (1.34, containerd 1.6) had of a worker: captured from it, with the fields left out that nobody asks for. */
interface Captured {
  readonly now: string;
  readonly job: Job;
  readonly pod?: Pod;
  readonly events: KubernetesEvent[];
}

const options = {
  ...defaultWorkerOptions,
  startDeadlineSeconds: 20,
  imageDeadlineSeconds: 30,
  mountDeadlineSeconds: 30,
};

function captured(name: string, changes: Partial<WorkerSight> = {}): WorkerSight {
  const file = new URL(`./captured/${name}.json`, import.meta.url);
  const { now, job, pod, events } = JSON.parse(readFileSync(file, 'utf8')) as Captured;
  return { job, pod, hasHadPod: pod !== undefined, events, now: new Date(now), options, ...changes };
}

const stateOf = (name: string, changes: Partial<WorkerSight> = {}) =>
  workerState(captured(name, changes)).state;

/** The same, seconds earlier. */
const earlier = (name: string, seconds: number) =>
  workerState(captured(name, { now: new Date(captured(name).now.getTime() - seconds * 1000) }));

const patient = {
  ...options,
  startDeadlineSeconds: 600,
  imageDeadlineSeconds: 600,
  mountDeadlineSeconds: 600,
};

describe('a worker that ran', () => {
  it('is running, on a node, as an image of this digest, since then', () => {
    expect(stateOf('running')).toMatchObject({
      phase: 'running',
      execution: {
        driver: 'kubernetes',
        node: expect.stringMatching(/^node-\d$/),
        digests: { 'docker.io/library/busybox:1': expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
        startedAt: expect.stringMatching(/^2026-.*\+00:00$/),
      },
    });
  });

  it.each([
    ['completed', 0, 'Completed'],
    ['failed', 3, 'Error'],
    ['out-of-memory', 137, 'OOMKilled'],
  ])('has ended as its program: %s', (name, code, reason) => {
    const state = stateOf(name);
    expect(state).toMatchObject({ phase: 'ended', code, reason });
    expect(state).not.toHaveProperty('cause');
    expect(state).toHaveProperty('execution.endedAt');
  });

  it('has not ended before its log is recorded', () => {
    const recorded = captured('completed-with-log');
    const running = withLog(recorded, { running: { startedAt: '2026-11-23T02:32:00Z' } });
    const judgement = workerState(running);
    expect(judgement.state.phase).toBe('running');
    expect(judgement.lookAgainAt).toBeDefined();
    expect(judgement.recorderGoesOn).toBe(true);
    expect(workerState(recorded).state).toMatchObject({ phase: 'ended', code: 0 });
  });

  it('whose log was not recorded is lost, with what the recorder said', () => {
    const terminated = { exitCode: 1, message: 'the log is full of holes\n', reason: 'Error' };
    expect(workerState(withLog(captured('completed-with-log'), { terminated })).state).toMatchObject({
      phase: 'ended',
      code: 255,
      cause: 'lost',
      reason: 'the log recorder failed: the log is full of holes',
    });
  });
});

describe('a worker that was lost', () => {
  it.each([
    ['evicted', 'Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 2Mi'],
    ['pod-deleted', 'its pod was deleted'],
    ['node-lost', 'the node node-3 was lost'],
  ])('%s: %s', (name, reason) => {
    const state = stateOf(name, { now: new Date('2027-01-01T00:00:00Z') });
    expect(state).toMatchObject({ phase: 'ended', code: 254, cause: 'lost', reason });
  });

  it('a node may be silent for a while', () => {
    const { state, lookAgainAt } = earlier('node-lost', 20);
    expect(state.phase).toBe('running');
    expect(lookAgainAt?.getTime()).toBeLessThanOrEqual(captured('node-lost').now.getTime());
  });

  it('without a Pod is pending before it had one, and missing afterwards', () => {
    expect(stateOf('running', { pod: undefined, hasHadPod: false }).phase).toBe('pending');
    expect(stateOf('running', { pod: undefined, hasHadPod: true })).toEqual({ phase: 'missing' });
  });

  it('a Pod that was removed after its program had ended tells how it ended', () => {
    const { pod, ...rest } = captured('failed');
    const metadata = {
      ...pod?.metadata,
      deletionTimestamp: rest.now.toISOString(),
      deletionGracePeriodSeconds: 0,
    };
    expect(workerState({ ...rest, pod: { ...pod, metadata } }).state).toMatchObject({
      code: 3,
      reason: 'Error',
    });
  });
});

describe('a worker that does not come to run', () => {
  it.each([
    ['too-many-cores', '0/2 nodes are available: 2 Insufficient cpu (the worker asks for cpu 100)'],
    [
      'no-such-resource',
      '0/2 nodes are available: 2 Insufficient nvidia.com/gpu (the worker asks for nvidia.com/gpu 1)',
    ],
    [
      'no-such-label',
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector (the worker asks for a node labelled accel=gpu)",
    ],
  ])('waits for room as long as it takes, and says what it waits for: %s', (name, reason) => {
    const { state, lookAgainAt } = workerState(captured(name, { now: new Date('2027-01-01T00:00:00Z') }));
    expect(state).toMatchObject({ phase: 'pending', reason });
    expect(lookAgainAt).toBeUndefined();
  });

  it('names the taints that keep it away, where nodes may be read', () => {
    const taints = [
      { key: 'gpu', value: 'a100', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
      { key: 'slow', effect: 'PreferNoSchedule' },
      { key: 'mine', value: 'x', effect: 'NoSchedule' },
    ];
    const { pod, ...rest } = captured('no-such-label');
    const message =
      '0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    const tolerations = [
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 60,
      },
      { key: 'mine', operator: 'Equal', value: 'x', effect: 'NoSchedule' },
    ];
    const kept = { ...pod, spec: { containers: [], tolerations }, status: { conditions } };
    expect(workerState({ ...rest, pod: kept, nodes: [{ spec: { taints } }] }).state).toMatchObject({
      reason:
        '0/2 nodes are available: 2 node(s) had untolerated taint(s) (it does not tolerate gpu=a100:NoSchedule)',
    });
  });

  it.each([
    ['no-such-image', 'lost', /^the image docker.io\/library\/nothing:9 can't be pulled: .*no such host/],
    ['no-such-volume', 'lost', /^a volume can't be had: .*persistentvolumeclaim "no-such-volume" not found/],
    ['no-such-storage-class', 'lost', /^a volume can't be had: storageclass.*"missing-class" not found/],
    ['not-mountable', 'lost', /^a volume can't be mounted: .*\/nonexistent\/h1 is not a directory/],
    ['no-such-service-account', 'error', /^its pod can't be made: .*serviceaccount "nobody" not found/],
  ])('says why, and is given up at its deadline: %s', (name, cause, reason) => {
    const waiting = workerState(captured(name, { options: patient }));
    expect(waiting.state).toMatchObject({ phase: 'pending', reason: expect.stringMatching(reason) });
    expect(waiting.lookAgainAt).toBeDefined();
    const over = stateOf(name, { now: new Date('2027-01-01T00:00:00Z') });
    expect(over).toMatchObject({ phase: 'ended', code: 255, cause, reason: expect.stringMatching(reason) });
  });

  it('a quota that is used up is room to wait for', () => {
    const { events, ...rest } = captured('no-such-service-account');
    const message =
      'Error creating: pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1';
    const sight = { ...rest, events: events.map((event) => ({ ...event, message })) };
    expect(workerState({ ...sight, now: new Date('2027-01-01T00:00:00Z') }).state).toMatchObject({
      phase: 'pending',
      reason: expect.stringContaining('exceeded quota'),
    });
  });

  it('volumes that are being provisioned are no trouble, however long that takes', () => {
    const { events: _, pod, ...rest } = captured('no-such-storage-class');
    const sight = { ...rest, pod, events: [] };
    const since = new Date(pod?.metadata?.creationTimestamp ?? '');
    expect(workerState({ ...sight, now: since }).state).not.toHaveProperty('reason');
    expect(workerState({ ...sight, now: new Date('2027-01-01T00:00:00Z') }).state).toMatchObject({
      phase: 'pending',
      reason: expect.stringContaining('waits for its volumes'),
    });
  });

  it.each(['output-not-empty', 'output-not-empty-with-log', 'output-not-empty-init'])(
    'does not run on outputs that are not empty, and says which: %s',
    (name) => {
      expect(stateOf(name)).toMatchObject({
        phase: 'ended',
        code: 255,
        reason: 'the check of the outputs failed: the output /out is not empty: it holds left.',
      });
    },
  );

  it('a program that is not there is the fault of the Plan', () => {
    const state = stateOf('no-such-program');
    expect(state).toMatchObject({
      phase: 'ended',
      code: 128,
      reason: expect.stringContaining('/nothing/here'),
    });
    expect(state).not.toHaveProperty('cause');
    expect(state).not.toHaveProperty('execution.startedAt');
  });
});

/** The same worker with its recorder in another state. */
function withLog(sight: WorkerSight, state: object): WorkerSight {
  const { pod } = sight;
  const containerStatuses = pod?.status?.containerStatuses?.map((status) =>
    status.name === 'log' ? { ...status, state } : status,
  );
  return {
    ...sight,
    pod: { ...pod, status: { ...pod?.status, ...(containerStatuses && { containerStatuses }) } },
  };
}
