import { describe, expect, it } from 'vitest';
import { startFailure } from '../../src/docker/start-failure.ts';

describe('why a container could not be started', () => {
  it.each([
    // runc and crun, through Docker and through Podman.
    [
      'runc create failed: unable to start container process: exec: "x": executable file not found in $PATH',
      127,
    ],
    [
      'crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found',
      127,
    ],
    ['failed to create task: exec: "/x": stat /x: no such file or directory: unknown', 127],
    ['exec: "/tmp": is a directory: OCI permission denied', 126],
    ['exec /run.sh: exec format error', 126],
    ['unable to find user nobody: no matching entries in passwd file', 128],
  ])('is the user’s: %s', (message, code) => {
    expect(startFailure(message)).toEqual({ code, kind: 'final', isUsers: true });
  });

  it.each([
    ['crun: the requested cgroup controller `cpu` is not available: OCI runtime error', 'limits'],
    [
      'runc create failed: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/x: permission denied',
      'limits',
    ],
    ['write child: broken pipe', 'passing'],
    ['no space left on device', 'passing'],
  ])('is not the user’s: %s', (message, kind) => {
    expect(startFailure(message)).toMatchObject({ kind, isUsers: false });
  });
});
