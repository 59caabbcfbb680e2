import { randomUUID } from 'node:crypto';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec, WorkerState } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobs, type Pod, pods } from '../../src/kubernetes/client/resource-type.ts';
import { type KubernetesDrivers, openKubernetesDrivers } from '../../src/kubernetes/index.ts';
import { startPath } from '../../src/kubernetes/pod-wire.ts';
import { workerJob } from '../../src/kubernetes/worker-job.ts';
import { image, missingCluster, TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { anOptions } from './worker-spec.ts';

const missing = missingCluster();

/** Pods of a cluster that is busy take their time. */
const slow = 150_000;

describe.skipIf(missing)(`workers as Jobs${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  let drivers: KubernetesDrivers;
  const changed = new Map<string, Set<() => void>>();
  const end = new AbortController();
  let watching: Promise<void>;

  beforeAll(async () => {
    cluster = await TestCluster.open();
    drivers = await openKubernetesDrivers({
      client: cluster.client,
      namespace: cluster.namespace,
      image,
      imagePullPolicy: 'IfNotPresent',
      imagePullSecrets: [],
      volumes: { size: '1Mi', accessMode: 'ReadWriteMany' },
      worker: {
        startDeadlineSeconds: 5,
        imageDeadlineSeconds: 5,
        mountDeadlineSeconds: 5,
        nodeLossSeconds: 60,
      },
      log: { debug: () => {}, warn: () => {} },
    });
    const tell = (name: string) => {
      for (const listener of changed.get(name) ?? []) listener();
    };
    watching = drivers.workers.watch(tell, end.signal);
  });
  afterAll(async () => {
    end.abort();
    await watching;
    await drivers?.close();
    await cluster?.close();
  });

  const worker = (args: string, changes: Partial<WorkerSpec> = {}): WorkerSpec => {
    const runId = randomUUID() as RunId;
    return {
      name: `worker-run-${runId}`,
      runId,
      planId: randomUUID() as PlanId,
      image: 'docker.io/library/busybox:1',
      entrypoint: ['sh', '-c'],
      args: [args],
      inputs: [],
      outputs: [],
      resources: { cpu: '50m', memory: '32Mi' },
      onNode: {},
      env: {},
      ...changes,
    };
  };

  /** Waits for a state as the engine does: it looks only when it is told to. */
  async function until(name: string, isIt: (state: WorkerState) => boolean): Promise<WorkerState> {
    const listeners = changed.get(name) ?? new Set();
    changed.set(name, listeners);
    for (;;) {
      const next = Promise.withResolvers<void>();
      listeners.add(next.resolve);
      const state = await drivers.workers.inspect(name);
      if (isIt(state)) return state;
      await next.promise;
      listeners.delete(next.resolve);
    }
  }
  const ended = (name: string) => until(name, ({ phase }) => phase === 'ended' || phase === 'missing');
  const running = (name: string) => until(name, ({ phase }) => phase === 'running');
  const podsOf = async (name: string): Promise<Pod[]> => {
    const labelSelector = `batch.kubernetes.io/job-name=${name}`;
    return (await cluster.client.list(pods, cluster.namespace, { labelSelector })).items;
  };

  it.concurrent(
    'runs with its Data, tells where and what it was, and leaves nothing behind but its volumes',
    async () => {
      const [made, log] = [`data-${randomUUID()}`, `data-${randomUUID()}`];
      const first = worker('echo "$GREETING" >/out/a; echo told; echo off >&2', {
        outputs: [{ path: '/out', volume: made }],
        log: { volume: log },
        env: { GREETING: '$(HOME) $$' },
      });
      await Promise.all([made, log].map((ref) => drivers.volumes.create(ref)));
      await drivers.workers.start(first);
      await drivers.workers.start(first);
      expect(await ended(first.name)).toMatchObject({
        phase: 'ended',
        code: 0,
        reason: 'Completed',
        execution: {
          driver: 'kubernetes',
          node: expect.any(String),
          digests: { 'docker.io/library/busybox:1': expect.stringMatching(/^sha256:/) },
          startedAt: expect.any(String),
          endedAt: expect.any(String),
        },
      });
      expect(await drivers.workers.list()).toContain(first.name);
      await drivers.workers.remove(first.name);
      expect(await drivers.workers.list()).not.toContain(first.name);
      expect(await drivers.workers.inspect(first.name)).toEqual({ phase: 'missing' });

      const check =
        'test "$(cat /in/a)" = \'$(HOME) $$\' && printf "told\\noff\\n" | cmp - /log/log && ! touch /in/b';
      const second = worker(check, {
        inputs: [
          { path: '/in', volume: made },
          { path: '/log', volume: log },
        ],
      });
      await drivers.workers.start(second);
      expect(await ended(second.name)).toMatchObject({ phase: 'ended', code: 0 });
      await drivers.workers.remove(second.name);
      await eventually(async () => expect(await podsOf(second.name)).toEqual([]));
    },
    slow,
  );

  it.concurrent(
    'ends with the exit code of its program, and says when it had too little memory',
    async () => {
      const failing = worker('exit 3');
      const greedy = worker("x=$(head -c 100000000 /dev/zero | tr '\\0' x)");
      await Promise.all([failing, greedy].map((spec) => drivers.workers.start(spec)));
      expect(await ended(failing.name)).toMatchObject({ code: 3, reason: 'Error' });
      expect(await ended(greedy.name)).toMatchObject({ code: 137, reason: 'OOMKilled' });
    },
    slow,
  );

  it.concurrent(
    'ends as its program did that ended before it opened the pipe of its log',
    async () => {
      const volume = `data-${randomUUID()}`;
      await drivers.volumes.create(volume);
      const spec = worker('', { log: { volume } });
      const job = workerJob(spec, { ...anOptions, image }, { recorderToken: 'secret' });
      const [recorder, main] = job.spec?.template.spec?.containers ?? [];
      if (recorder === undefined || main === undefined) throw new Error('no containers');
      // As one that is killed at once for want of memory.
      Object.assign(main, { command: [startPath, 'sh', '-c', 'exit 137'] });
      await cluster.client.create(jobs, cluster.namespace, job);
      expect(await ended(spec.name)).toMatchObject({ phase: 'ended', code: 137, reason: 'Error' });
      const [pod] = await podsOf(spec.name);
      const recorded = pod?.status?.containerStatuses?.find(({ name }) => name === 'log')?.state;
      expect(recorded?.terminated).toMatchObject({ exitCode: 0 });
    },
    slow,
  );

  it.concurrent(
    'does not run on an output that is not empty',
    async () => {
      const volume = `data-${randomUUID()}`;
      await drivers.volumes.create(volume);
      const before = worker('echo >/out/left', { outputs: [{ path: '/out', volume }] });
      await drivers.workers.start(before);
      await ended(before.name);
      const after = worker('rm /out/left', { outputs: [{ path: '/out', volume }] });
      const { entrypoint: _, args: __, ...byImage } = worker('', { outputs: [{ path: '/out', volume }] });
      for (const spec of [after, byImage]) {
        await drivers.workers.start(spec);
        expect(await ended(spec.name)).toMatchObject({
          code: 255,
          reason: 'the check of the outputs failed: the output /out is not empty: it holds left.',
        });
      }
    },
    slow,
  );

  it.concurrent(
    'runs on an output that holds only what its storage has put there, but for that which was found',
    async () => {
      const volume = `data-${randomUUID()}`;
      await drivers.volumes.create(volume);
      const outputs = [{ path: '/out', volume }];
      const removed = '.nfs00000000000000000000001f';
      const steps = [
        { script: `touch /out/${removed}; mkdir -m 700 /out/lost+found`, end: { code: 0 } },
        { script: `test "$(ls -A /out)" = ${removed} && mkdir -p /out/lost+found/1`, end: { code: 0 } },
        { script: 'true', end: { code: 255, reason: expect.stringContaining('it holds lost+found') } },
      ];
      for (const { script, end } of steps) {
        const spec = worker(script, { outputs });
        await drivers.workers.start(spec);
        expect(await ended(spec.name)).toMatchObject(end);
      }
    },
    slow,
  );

  it.concurrent(
    'is lost with its Pod',
    async () => {
      const deleted = worker('sleep 600');
      await drivers.workers.start(deleted);
      await running(deleted.name);
      const [pod] = await podsOf(deleted.name);
      const { name: podName = '' } = pod?.metadata ?? {};
      await cluster.client.delete(pods, cluster.namespace, podName, { gracePeriodSeconds: 0 });
      const state = await ended(deleted.name);
      expect(state.phase === 'missing' || (state.phase === 'ended' && state.code === 254)).toBe(true);
    },
    slow,
  );

  it.concurrent(
    'waits for a node that has room and the right label, and says so',
    async () => {
      const large = worker('true', { resources: { cpu: '1000', memory: '32Mi' } });
      const choosy = worker('true', { onNode: { must: ['knit-test/no=such-node'] } });
      await Promise.all([large, choosy].map((spec) => drivers.workers.start(spec)));
      const becauseOf = (what: string) => (state: WorkerState) =>
        state.phase === 'pending' && (state.reason?.includes(what) ?? false);
      await until(large.name, becauseOf('Insufficient cpu (the worker asks for cpu 1k'));
      await until(choosy.name, becauseOf('a node labelled knit-test/no=such-node'));
      await Promise.all([large, choosy].map(({ name }) => drivers.workers.remove(name)));
    },
    slow,
  );

  it.concurrent(
    'is given up when its image, a volume or its service account is not to be had, and says which',
    async () => {
      const cases = [
        {
          spec: worker('true', { image: 'registry.invalid/nothing:9' }),
          cause: 'lost',
          named: 'registry.invalid/nothing:9',
        },
        {
          spec: worker('true', { inputs: [{ path: '/in', volume: 'no-such' }] }),
          cause: 'lost',
          named: '"no-such" not found',
        },
        {
          spec: worker('true', { serviceAccount: 'nobody' }),
          cause: 'error',
          named: 'serviceaccount "nobody" not found',
        },
      ];
      await Promise.all(cases.map(({ spec }) => drivers.workers.start(spec)));
      for (const { spec, cause, named } of cases) {
        expect(await ended(spec.name)).toMatchObject({
          code: 255,
          cause,
          reason: expect.stringContaining(named),
        });
      }
    },
    slow,
  );

  it.concurrent(
    'is ended when it is removed, though it does not want to, and can be started anew',
    async () => {
      const stubborn = worker("trap '' TERM; while :; do sleep 1; done");
      await drivers.workers.start(stubborn);
      await running(stubborn.name);
      const [pod] = await podsOf(stubborn.name);
      await drivers.workers.remove(stubborn.name);
      for (const left of await podsOf(stubborn.name)) {
        expect(left.metadata?.uid).toBe(pod?.metadata?.uid);
        expect(left.status?.containerStatuses?.every(({ state }) => state?.terminated)).toBe(true);
      }
      await drivers.workers.remove(stubborn.name);
      await eventually(() => drivers.workers.start(stubborn));
      expect(await drivers.workers.inspect(stubborn.name)).toMatchObject({ phase: 'pending' });
      await drivers.workers.remove(stubborn.name);
    },
    slow,
  );

  it(
    'somebody who does not watch sees the same',
    async () => {
      const spec = worker('exit 4');
      const other = await openKubernetesDrivers({
        client: cluster.client,
        namespace: cluster.namespace,
        image,
        imagePullPolicy: 'IfNotPresent',
        imagePullSecrets: [],
        volumes: { size: '1Mi', accessMode: 'ReadWriteMany' },
        worker: {
          startDeadlineSeconds: 5,
          imageDeadlineSeconds: 5,
          mountDeadlineSeconds: 5,
          nodeLossSeconds: 60,
        },
        log: { debug: () => {}, warn: () => {} },
      });
      expect(await other.workers.inspect(spec.name)).toEqual({ phase: 'missing' });
      await drivers.workers.start(spec);
      expect((await other.workers.inspect(spec.name)).phase).toBe('pending');
      await eventually(async () =>
        expect(await other.workers.inspect(spec.name)).toMatchObject({ phase: 'ended', code: 4 }),
      );
      expect((await cluster.client.list(jobs, cluster.namespace)).items.length).toBeGreaterThan(0);
      await other.workers.remove(spec.name);
      await other.close();
    },
    slow,
  );
});
