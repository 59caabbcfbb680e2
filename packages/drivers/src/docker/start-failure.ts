/** What an engine's words about a container that it could not start come to. */
export interface StartFailure {
  /** The exit code of the worker, as a shell and `docker run` have it: 127 no such program, 126 it can't be executed, 128 anything else. */
  readonly code: 126 | 127 | 128;
  /** Whether it is as it is as long as the Plan and the image are as they are. */
  readonly kind: 'final' | 'passing' | 'limits';
  readonly isUsers: boolean;
}

const missing =
  /executable file .*not found|stat .*: no such file or directory|command that was not found|no such file or directory: OCI/i;
const notExecutable = /permission denied|exec format error|is a directory/i;
const badUser =
  /unable to find user|no matching entries in passwd|no command (specified|or entrypoint)|no command or entrypoint/i;
const badMount = /(mkdir|creating|create) mountpoint|not a directory|read-only file system/i;
/** A rootless engine on a machine that does not delegate control groups. */
const noLimits =
  /controller [`"']?\w+[`"']? is not available|cgroup.*(not (delegated|supported|available)|permission denied)|NanoCPUs can not be set/i;

/** The engines tell why in words only: those of runc, crun and Podman. */
export function startFailure(message: string): StartFailure {
  if (noLimits.test(message)) return { code: 128, kind: 'limits', isUsers: false };
  if (missing.test(message)) return { code: 127, kind: 'final', isUsers: true };
  if (notExecutable.test(message)) return { code: 126, kind: 'final', isUsers: true };
  if (badUser.test(message) || badMount.test(message)) return { code: 128, kind: 'final', isUsers: true };
  return { code: 128, kind: 'passing', isUsers: false };
}
