import { describe, expect, it } from 'vitest';
import { checkKubernetesPlan } from '../../src/kubernetes/check-plan.ts';

const check = (changes: { path?: string; resources?: Record<string, string> }) => () =>
  checkKubernetesPlan({
    inputs: [{ path: changes.path ?? '/in' }],
    outputs: [],
    resources: changes.resources ?? {},
  });

describe('a Plan that Kubernetes could never run is refused when it is registered', () => {
  it.each(['/', '/proc', '/proc/x', '/sys/fs', '/dev/shm', '/.knit', '/.knit/x', '/a:b'])(
    'a mount at %s',
    (path) => {
      expect(check({ path })).toThrow(`nothing can be mounted at ${path}`);
    },
  );

  it.each([
    [{ gpu: '1' }, 'no resource gpu'],
    [{ 'kubernetes.io/x': '1' }, 'no resource kubernetes.io/x'],
    [{ 'nvidia.com/gpu': '0.5' }, 'given out whole'],
    [{ cpu: '100u' }, 'smallest part of a core'],
  ])('resources %j', (resources, reason) => {
    expect(check({ resources })).toThrow(reason);
  });

  it('everything else is for the cluster to say', () => {
    const resources = {
      cpu: '0.5',
      memory: '1.5Gi',
      'ephemeral-storage': '10Gi',
      'hugepages-2Mi': '4Mi',
      'nvidia.com/gpu': '8',
    };
    expect(check({ path: '/processed/data', resources })).not.toThrow();
  });
});
