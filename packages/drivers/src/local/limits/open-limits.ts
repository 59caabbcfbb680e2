import type { Mount } from '../mount-table.ts';
import { ControlGroupsV1 } from './control-groups-v1.ts';
import { ControlGroupsV2 } from './control-groups-v2.ts';
import type { LimitControl } from './limit-groups.ts';

/**
 * The way to limit workers on this machine. Where both versions are in use, the controllers are in only one of them.
 * @param name of the group for all workers, other than that of any other server on this machine
 */
export async function openLimits(mounts: readonly Mount[], name: string): Promise<LimitControl> {
  return (
    (await ControlGroupsV2.open(mounts, name)) ??
    (await ControlGroupsV1.open(mounts, name)) ??
    noControlGroups
  );
}

const noControlGroups: LimitControl = {
  lacking: 'memory and cpu not limited: this machine has no control groups mounted',
  groupsFor: () => undefined,
  create: () => {},
  tidy: () => {},
  close: () => {},
};
