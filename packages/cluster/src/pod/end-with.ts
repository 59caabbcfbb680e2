import { writeFile } from 'node:fs/promises';
import { terminationMessagePath } from '@knitfab/drivers/kubernetes/pod-wire';

/** Ends this container as failed, saying why where Kubernetes shows it: in the Pod's status and in the container's log. */
export async function endWith(error: unknown): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(reason);
  // Only where kubelet has made it.
  await writeFile(terminationMessagePath, reason, { flag: 'r+' }).catch(() => {});
  process.exitCode = 1;
}
