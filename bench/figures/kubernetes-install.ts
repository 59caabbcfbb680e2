import type { Figure } from '../figure.ts';
import { measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';

/** What an administrator waits for. */
export const kubernetesInstall: Figure = {
  name: 'kubernetes-install',
  what: 'installer.sh --prepare and --install, from nothing until everything is ready',
  unit: 's',
  goal: 'none',
  meets: () => true,
  async measure() {
    const cluster = await measuredCluster();
    if (cluster === undefined) return noCluster;
    if (cluster.installSeconds === undefined) {
      return {
        values: [],
        comparedWith: 'not measured: KNIT_E2E_SETTINGS names an installation that is there',
      };
    }
    return { values: [cluster.installSeconds], comparedWith: 'images present on the nodes' };
  },
};
