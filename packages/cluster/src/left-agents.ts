import { setTimeout as sleep } from 'node:timers/promises';
import { openKubernetesClient } from '@knitfab/drivers/kubernetes';
import { removeLeftAgents as remove } from '@knitfab/drivers/kubernetes/left-agents';
import type { Surroundings } from './component.ts';

const pauseMilliseconds = 15_000;

/** Removes Data Agents that nobody waits for any more, now and again until the component ends. */
export async function removeLeftAgents({ configuration, log, ending }: Surroundings): Promise<void> {
  const client = await openKubernetesClient();
  while (!ending.aborted) {
    await remove({ client, namespace: configuration.namespace }).catch((error) =>
      log.warn({ err: error }, 'left Data Agents could not be removed; trying again'),
    );
    await sleep(pauseMilliseconds, undefined, { signal: ending }).catch(() => {});
  }
}
