import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { Invalid } from '@knitfab/core';
import type { ClusterAccess } from './cluster-access.ts';

/** The part of a kubeconfig that is used (Kubernetes, "kubeconfig (v1)"). */
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly {
    readonly name: string;
    readonly context?: { readonly cluster?: string; readonly user?: string; readonly namespace?: string };
  }[];
  readonly clusters?: readonly {
    readonly name: string;
    readonly cluster?: Readonly<Record<string, unknown>>;
  }[];
  readonly users?: readonly { readonly name: string; readonly user?: Readonly<Record<string, unknown>> }[];
}

/** The file that `KUBECONFIG` names, or else kubectl's own; the first that exists. */
export function findKubeconfig(): string | undefined {
  const named = process.env.KUBECONFIG?.split(delimiter).filter((file) => file !== '');
  return (named ?? [join(homedir(), '.kube', 'config')]).find((file) => existsSync(file));
}

/**
 * The access that a kubeconfig's current context gives: client certificates, tokens, and files of either.
 * @throws {Invalid} when the file is none, or when it needs a program to get credentials
 */
export async function kubeconfigAccess(file: string): Promise<ClusterAccess> {
  // A Pod has no kubeconfig and is spared the YAML parser.
  const { parse } = await import('yaml');
  const config = parsed(file, parse);
  const chosen = config['current-context'];
  const context = config.contexts?.find(({ name }) => name === chosen)?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user ?? {};
  if (cluster === undefined || typeof cluster.server !== 'string') {
    throw new Invalid({
      reason: `${file} has no cluster for its current context "${chosen ?? ''}"`,
      advice: 'Choose another with: kubectl config use-context NAME',
    });
  }
  if (user.exec !== undefined || user['auth-provider'] !== undefined) {
    throw new Invalid({
      reason: `${file} gets its credentials from another program, which is not supported`,
      advice: 'Make a service account and put a token of it (kubectl create token NAME) into a kubeconfig.',
    });
  }
  const read = (of: Readonly<Record<string, unknown>>, key: string) => material(file, of, key);
  const ca = read(cluster, 'certificate-authority');
  const cert = read(user, 'client-certificate');
  const key = read(user, 'client-key');
  const token = tokenOf(file, user);
  const servername = cluster['tls-server-name'];
  return {
    server: new URL(cluster.server),
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(typeof servername === 'string' && { servername }),
      ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
    },
    ...(token && { token }),
    ...(context?.namespace !== undefined && { namespace: context.namespace }),
  };
}

function parsed(file: string, parse: (text: string) => unknown): Kubeconfig {
  try {
    const config = parse(readFileSync(file, 'utf8'));
    if (typeof config === 'object' && config !== null) return config;
  } catch (error) {
    throw new Invalid({
      reason: `${file} can't be read as a kubeconfig: ${(error as Error).message}`,
      cause: error,
    });
  }
  throw new Invalid(`${file} is not a kubeconfig`);
}

/** What is given either in the kubeconfig itself (`KEY-data`, base64) or in a file that it names, relative to its own place. */
function material(file: string, of: Readonly<Record<string, unknown>>, key: string): Buffer | undefined {
  const data = of[`${key}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64');
  const path = of[key];
  return typeof path === 'string' && path !== '' ? readFileSync(resolve(dirname(file), path)) : undefined;
}

function tokenOf(file: string, user: Readonly<Record<string, unknown>>): (() => string) | undefined {
  const { token, tokenFile } = user;
  if (typeof tokenFile === 'string') {
    return () => readFileSync(resolve(dirname(file), tokenFile), 'utf8').trim();
  }
  return typeof token === 'string' ? () => token : undefined;
}
