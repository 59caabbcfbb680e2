import { setTimeout } from 'node:timers/promises';
import { type CommandOptions, output } from './commands.ts';

/** What is read of a Kubernetes object; the rest is as the Kubernetes documentation says. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  readonly spec: any;
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  readonly status: any;
}

/** What `kubectl` prints. */
export const kubectl = (...args: string[]): Promise<string> => output(['kubectl', ...args]);

/** Applies manifests, given as values. */
export function apply(objects: readonly object[], options: CommandOptions = {}): Promise<string> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return output(['kubectl', 'apply', '--filename=-'], { ...options, input });
}

/** The objects that `kubectl get` lists. */
export async function list(...args: string[]): Promise<KubernetesObject[]> {
  const text = await kubectl('get', ...args, '--output=json');
  // With `--ignore-not-found` there may be no list at all.
  return text === '' ? [] : (JSON.parse(text) as { items: KubernetesObject[] }).items;
}

/** @throws {Error} with the sentence when it has not come true in time */
export async function eventually<Result>(
  what: string,
  look: () => Promise<Result | undefined | false>,
  { seconds = 120, pause = 500 }: { seconds?: number; pause?: number } = {},
): Promise<Result> {
  const deadline = Date.now() + seconds * 1000;
  let problem: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`, { cause: problem });
    await setTimeout(pause);
  }
}
