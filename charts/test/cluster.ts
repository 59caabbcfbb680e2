import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { KubernetesObject } from './helm.ts';

/** Runs kubectl with an object or text as its input. @throws {Error} with what it says when it fails */
export function kubectl(args: readonly string[], input?: unknown): string {
  const { status, stdout, stderr } = spawnSync('kubectl', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    ...(input !== undefined && { input: typeof input === 'string' ? input : JSON.stringify(input) }),
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A namespace for a test file, with labels. */
export function makeNamespace(labels: Record<string, string> = {}): string {
  const name = `knit-charts-${randomBytes(4).toString('hex')}`;
  kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  return name;
}

/** Removes it with all that is in it, in the background. */
export function removeNamespace(name: string | undefined): void {
  if (name !== undefined) kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
}

/** Objects as one, as kubectl takes them. */
export const listOf = (items: readonly KubernetesObject[]) => ({ apiVersion: 'v1', kind: 'List', items });
