import { readFileSync } from 'node:fs';
import { Unavailable } from '@knitfab/core';

/** Where a Kubernetes API is, and how this process proves who it is. */
export interface ClusterAccess {
  readonly server: URL;
  readonly tls: {
    /** PEM; the system's own authorities when left out */
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  /** PEM of the authorities that the next connection trusts: a cluster may be given new ones while the process runs. */
  readonly authorities?: () => Buffer;
  /** The bearer token of the next request: tokens of service accounts are renewed while the process runs. */
  readonly token?: () => string;
  /** The namespace that belongs to this access, where it names one. */
  readonly namespace?: string;
}

/** Kubernetes, "Accessing the Kubernetes API from a Pod". */
const mount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Whether this process is a container of a Pod that may use the API. */
export const isInCluster = (): boolean => process.env.KUBERNETES_SERVICE_HOST !== undefined;

/**
 * The access of the Pod's own service account.
 * @throws {Unavailable} when the Pod has no token
 */
export function inClusterAccess(): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  try {
    return {
      server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
      tls: {},
      // Read anew each time: kubelet replaces them, tokens well before they expire, and the files lie in memory.
      authorities: () => readFileSync(`${mount}/ca.crt`),
      token: () => readFileSync(`${mount}/token`, 'utf8').trim(),
      namespace: readFileSync(`${mount}/namespace`, 'utf8').trim(),
    };
  } catch (error) {
    throw new Unavailable({
      reason: `this Pod has no credentials for the Kubernetes API: ${(error as Error).message}`,
      advice: 'Give it a service account, and do not set automountServiceAccountToken to false.',
      cause: error,
    });
  }
}
