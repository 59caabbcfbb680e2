import { Unavailable } from '@knitfab/core';
import { Forbidden } from '../client/api-error.ts';
import type { KubernetesClient } from '../client/kubernetes-client.ts';
import { type Secret, secrets, serviceAccounts } from '../client/resource-type.ts';

export interface PullSecretsParts {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Those that every worker has. */
  readonly imagePullSecrets: readonly string[];
}

/**
 * Names of the Secrets that a worker's image is pulled with: those of all workers, and of the Plan's service account. A Plan without
 * one has the account `default`, whose Secrets count only for Pods that name none themselves (Kubernetes, "Configure Service Accounts
 * for Pods", "Add ImagePullSecrets to a service account").
 */
export async function pullSecretNames(
  { client, namespace, imagePullSecrets }: PullSecretsParts,
  serviceAccount?: string,
): Promise<string[]> {
  if (serviceAccount === undefined && imagePullSecrets.length > 0) return [...imagePullSecrets];
  const account = await client.find(serviceAccounts, namespace, serviceAccount ?? 'default');
  const own = account?.imagePullSecrets?.flatMap(({ name }) => name ?? []) ?? [];
  return [...new Set([...imagePullSecrets, ...own])];
}

/**
 * The Secrets themselves, without those that are missing.
 * @throws {Unavailable} naming one that this process may not read: which it may is for the administrator to say, one by one
 */
export async function readPullSecrets(parts: PullSecretsParts, serviceAccount?: string): Promise<Secret[]> {
  const names = await pullSecretNames(parts, serviceAccount);
  const found = await Promise.all(names.map((name) => readSecret(parts, name)));
  return found.filter((secret) => secret !== undefined);
}

async function readSecret(
  { client, namespace }: PullSecretsParts,
  name: string,
): Promise<Secret | undefined> {
  try {
    return await client.find(secrets, namespace, name);
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    throw new Unavailable({
      reason: `the Secret ${name}, with which its registry is to be asked, may not be read (an administrator permits it by worker.imagePullSecrets in values/knit-app.yaml)`,
      cause: error,
    });
  }
}
