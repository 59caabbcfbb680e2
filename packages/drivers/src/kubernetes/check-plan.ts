import { Invalid, parseQuantity, type Resources } from '@knitfab/core';

/** What of a Plan or worker says whether it can run on Kubernetes. */
export interface KubernetesPlan {
  readonly inputs: readonly { readonly path: string }[];
  readonly outputs: readonly { readonly path: string }[];
  readonly resources: Resources;
}

/**
 * Refuses, without asking the cluster, what no cluster could ever run. What depends on the cluster (whether there is such a node or
 * service account) is told by the Run while it waits.
 * @throws {Invalid} with the reason and what to do
 */
export function checkKubernetesPlan({ inputs, outputs, resources }: KubernetesPlan): void {
  for (const [name, quantity] of Object.entries(resources)) checkResource(name, quantity);
  for (const { path } of [...inputs, ...outputs]) checkMountPath(path);
}

/** Resources of Kubernetes itself that a container can have. */
const own = /^(cpu|memory|ephemeral-storage|hugepages-[1-9]\d*(Ki|Mi|Gi))$/;

/** Source: Kubernetes, "Resource Management for Pods and Containers", "Extended resources". */
function checkResource(name: string, quantity: string): void {
  const amount = parseQuantity(quantity);
  if (own.test(name)) {
    if (name === 'cpu' && amount > 0 && amount < 0.001) {
      throw new Invalid({
        reason: `cpu is ${quantity}, and the smallest part of a core that can be had is 1m`,
        advice: 'Ask for 1m or more.',
      });
    }
    return;
  }
  const domain = name.includes('/') ? name.slice(0, name.indexOf('/')) : undefined;
  if (domain === undefined || domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io')) {
    throw new Invalid({
      reason: `Kubernetes knows no resource ${name} that a container could have`,
      advice: 'Use cpu, memory, ephemeral-storage, or what a device plugin offers, such as nvidia.com/gpu.',
    });
  }
  if (!Number.isInteger(amount)) {
    throw new Invalid({
      reason: `${name} is ${quantity}, and such resources are given out whole`,
      advice: 'Ask for a whole number.',
    });
  }
}

/** Directories that every container has for itself (OCI runtime specification, "Default Filesystems"), and ours. */
const taken = ['/proc', '/sys', '/dev', '/.knit'];

function checkMountPath(path: string): void {
  if (path === '/' || taken.some((own) => path === own || path.startsWith(`${own}/`)) || path.includes(':')) {
    throw new Invalid({
      reason: `nothing can be mounted at ${path} on Kubernetes`,
      advice: 'Use a path of your own, such as /in/data or /out/model, of letters and digits.',
    });
  }
}
