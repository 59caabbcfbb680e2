import { spawnSync } from 'node:child_process';

/** What the tests are told about the cluster that KUBECONFIG names, beside what it says itself. */
export const surroundings = {
  /** Whether there is a cluster that answers. */
  hasCluster:
    process.env.KUBECONFIG !== undefined &&
    spawnSync('kubectl', ['get', '--raw', '/readyz', '--request-timeout=5s'], { stdio: 'ignore' }).status ===
      0,
  /** The StorageClass of all volumes; NFS is installed when there is none. */
  storageClass: process.env.KNIT_STORAGE_CLASS ?? 'shared',
  /** An image with a shell that every node has or can pull. */
  image: process.env.KNIT_E2E_IMAGE ?? 'docker.io/library/busybox:1',
  /** Where the nodes' containerd looks for the certificates of registries, see the chart knit-image-registry. */
  nodeCerts: {
    hostPath: process.env.KNIT_NODE_CERTS ?? '/etc/containerd/certs.d',
    subPath: process.env.KNIT_NODE_CERTS_SUBPATH ?? '',
  },
  /** The program that makes and breaks nodes (`node N`, `kill-node N`, `load IMAGE`), where nodes can be made. */
  cluster: process.env.KNIT_CLUSTER,
  /** The settings of an installation that is there already: it is used, and stays. */
  settings: process.env.KNIT_E2E_SETTINGS,
};
