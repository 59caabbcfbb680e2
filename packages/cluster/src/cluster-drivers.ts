import { join } from 'node:path';
import {
  type AgentOptions,
  type KubernetesDrivers,
  openKubernetesClient,
  openKubernetesDrivers,
} from '@knitfab/drivers/kubernetes';
import type { Surroundings } from './component.ts';

/** The drivers of a component, as its configuration says. Nothing is asked of Kubernetes until they are used. */
export async function openClusterDrivers(
  { configuration, directory, log }: Surroundings,
  agents?: AgentOptions,
): Promise<KubernetesDrivers> {
  const { namespace, image, imagePullPolicy, imagePullSecrets, volumes, worker } = configuration;
  return await openKubernetesDrivers({
    client: await openKubernetesClient(),
    namespace,
    image,
    imagePullPolicy,
    imagePullSecrets,
    volumes,
    worker,
    log,
    ...(agents && { agents }),
    // The authority of the in-cluster registry's certificate, where there is one.
    cacert: join(directory, 'ca/ca.crt'),
  });
}
