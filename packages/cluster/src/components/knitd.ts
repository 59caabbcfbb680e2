import { join } from 'node:path';
import { checkKubernetesPlan } from '@knitfab/drivers/kubernetes/check-plan';
import { checkFits } from '@knitfab/engine';
import {
  createKnitd,
  createMetrics,
  followCertifiedKey,
  readCertifiedKey,
  remoteBackend,
} from '@knitfab/server';
import { type ComponentOptions, runComponent } from '../component.ts';
import { serveUntil } from '../serve-until.ts';

const connections = 16;
const ports = { https: 8443, http: 8080 };

/** The public Web API: HTTPS where there is a certificate. It needs the database and knitd-backend, and nothing of Kubernetes. */
export async function runKnitd(options: ComponentOptions): Promise<void> {
  await runComponent('knitd', connections, options, async (surroundings) => {
    const { configuration, directory, store, log, registry, ending, ready } = surroundings;
    const backend = remoteBackend(configuration.backend, {
      driver: 'kubernetes',
      checkPlan: checkKubernetesPlan,
      checkResources: (resources) => {
        checkFits(resources, undefined);
        checkKubernetesPlan({ inputs: [], outputs: [], resources });
      },
    });
    const files = { cert: join(directory, 'certs/tls.crt'), key: join(directory, 'certs/tls.key') };
    const tls = await readCertifiedKey(files);
    const metrics = createMetrics(store, backend, registry);
    const app = createKnitd({ store, backend, log, metrics, ...(tls && { tls }) });
    const unfollow = tls && followCertifiedKey(app, { files, inUse: tls, log });
    try {
      const { port = tls === undefined ? ports.http : ports.https } = options;
      await serveUntil(app, port, ending, ready);
    } finally {
      unfollow?.();
    }
  });
}
