import type { WorkerSpec } from '@knitfab/engine';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/kubernetes/client/resource-type.ts';
import { needsImageCommand, workerJob } from '../../src/kubernetes/worker-job.ts';
import { anOptions, aSpec } from './worker-spec.ts';

const podOf = (job: Job) => {
  const spec = job.spec?.template.spec;
  if (spec === undefined) throw new Error('no pod');
  return spec;
};
const containerOf = (job: Job, name: string) =>
  podOf(job).containers.find((container) => container.name === name);
const job = (spec: Partial<WorkerSpec> = {}, options: Partial<typeof anOptions> = {}) =>
  workerJob(aSpec(spec), { ...anOptions, ...options }, { recorderToken: 'secret' });

describe('the Job of a worker', () => {
  it('runs once, is never replaced while it may still run, and is found by its Run and Plan', () => {
    const { metadata, spec } = job();
    expect(spec).toMatchObject({ backoffLimit: 0, podReplacementPolicy: 'Failed' });
    expect(spec?.template.spec).toMatchObject({ restartPolicy: 'Never', enableServiceLinks: false });
    expect(spec).not.toHaveProperty('ttlSecondsAfterFinished');
    for (const labels of [metadata?.labels, spec?.template.metadata?.labels]) {
      expect(labels).toMatchObject({
        'app.kubernetes.io/component': 'worker',
        'knitfab/run-id': aSpec().runId,
        'knitfab/plan-id': aSpec().planId,
      });
    }
  });

  it('has no token of the API unless the Plan names a service account', () => {
    expect(podOf(job()).automountServiceAccountToken).toBe(false);
    expect(podOf(job({ serviceAccount: 'trainer' }))).toMatchObject({
      automountServiceAccountToken: true,
      serviceAccountName: 'trainer',
    });
  });

  it('mounts inputs read-only and outputs writable, and a Data of two inputs once', () => {
    const spec = {
      inputs: [
        { path: '/in/a', volume: 'same' },
        { path: '/in/b', volume: 'same' },
      ],
      outputs: [{ path: '/out', volume: 'other' }],
    };
    const made = job(spec);
    const claims = podOf(made).volumes?.flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
    expect(claims).toEqual(['same', 'other']);
    const mounts = containerOf(made, 'main')?.volumeMounts;
    expect(mounts).toContainEqual({ name: 'data-0', mountPath: '/in/a', readOnly: true });
    expect(mounts).toContainEqual({ name: 'data-0', mountPath: '/in/b', readOnly: true });
    expect(mounts).toContainEqual({ name: 'data-1', mountPath: '/out' });
  });

  it('hands `$` on as it is, though Kubernetes would replace $(NAME)', () => {
    const main = containerOf(
      job({ entrypoint: ['sh', '-c'], args: ['echo $(HOME) $$ $'], outputs: [] }),
      'main',
    );
    expect(main?.args).toEqual(['echo $$(HOME) $$$$ $$']);
    expect(containerOf(job({ env: { A: '$(B)' } }), 'main')?.env).toEqual([{ name: 'A', value: '$$(B)' }]);
  });

  it('limits main to what the Plan asks for', () => {
    const resources = { cpu: '2', memory: '4Gi', 'nvidia.com/gpu': '1' };
    expect(containerOf(job({ resources }), 'main')?.resources).toEqual({ limits: resources });
  });

  it('says how long it stays on a node that is silent, and with which priority it runs', () => {
    const worker = { ...anOptions.worker, nodeLossSeconds: 42, priorityClass: 'low' };
    const pod = podOf(job({}, { worker, imagePullSecrets: ['registry'] }));
    expect(pod.priorityClassName).toBe('low');
    expect(pod.imagePullSecrets).toEqual([{ name: 'registry' }]);
    for (const key of ['node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready']) {
      expect(pod.tolerations).toContainEqual({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 42,
      });
    }
  });
});

describe('with a log', () => {
  const log = { volume: 'the-log' };

  it('main becomes its program after it has opened the pipe', () => {
    const main = containerOf(job({ log, entrypoint: ['python', '-m'], args: ['train'] }), 'main');
    expect(main?.command?.[0]).toBe('/.knit/busybox');
    expect(main?.command?.[3]).toMatch(/^exec >\/.knit\/log 2>&1; .*exec "\$\$@"/);
    expect(main?.command?.slice(-3)).toEqual(['python', '-m', 'train']);
    expect(main).not.toHaveProperty('args');
  });

  it.each([
    { args: undefined, expected: ['run', 'default'] },
    { args: ['mine'], expected: ['run', 'mine'] },
  ])(
    "the image's entrypoint is used where the Plan has none, its command where there are no args ($args)",
    ({ args, expected }) => {
      const { entrypoint: _, args: __, ...spec } = aSpec({ log, ...(args && { args }) });
      const worker = { ...spec, ...(args && { args }) };
      expect(needsImageCommand(worker)).toBe(true);
      const imageCommand = { entrypoint: ['run'], command: ['default'] };
      const made = workerJob(worker, anOptions, { recorderToken: '', imageCommand });
      expect(containerOf(made, 'main')?.command?.slice(5)).toEqual(expected);
    },
  );

  it('the recorder comes first, and main is started only after its hook has checked the outputs', () => {
    const made = job({ log });
    expect(podOf(made).containers.map(({ name }) => name)).toEqual(['log', 'main']);
    expect(podOf(made).initContainers).toBeUndefined();
    const recorder = containerOf(made, 'log');
    expect(recorder?.args).toEqual(['log-recorder']);
    expect(recorder?.lifecycle?.postStart?.exec?.command?.slice(-1)).toEqual(['/out']);
    expect(recorder?.env).toEqual([{ name: 'KNIT_LOG_TOKEN', value: 'secret' }]);
  });
});

describe('without a log', () => {
  it('a container for the check comes first where the command is known', () => {
    expect(podOf(job()).containers.map(({ name }) => name)).toEqual(['empty-check', 'main']);
  });

  it('an init container checks where the command is only in the image', () => {
    const { entrypoint: _, args: __, ...spec } = aSpec();
    const made = workerJob(spec, anOptions, { recorderToken: '' });
    expect(podOf(made).initContainers?.map(({ name }) => name)).toEqual(['empty-check']);
    expect(podOf(made).containers.map(({ name }) => name)).toEqual(['main']);
    expect(containerOf(made, 'main')).not.toHaveProperty('command');
  });

  it('nothing is checked where there are no outputs', () => {
    const made = podOf(job({ outputs: [] }));
    expect(made.initContainers).toBeUndefined();
    expect(made.containers.map(({ name }) => name)).toEqual(['main']);
  });
});
