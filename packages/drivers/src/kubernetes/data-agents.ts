import { randomBytes, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { NotFound, Unavailable } from '@knitfab/core';
import type { VolumeRef } from '@knitfab/engine';
import { type AgentCall, AgentHome } from './agent-home.ts';
import { isBoundWithin } from './bound-volume.ts';
import { events, type KubernetesEvent, type Pod, pods, volumeClaims } from './client/resource-type.ts';
import { agentName, backendLabel, dataAgentPod } from './data-agent-pod.ts';
import { Informer } from './informer.ts';
import { selectorOf } from './labels.ts';
import type { AgentOptions, KubernetesOptions } from './options.ts';
import { podTrouble } from './pod-trouble.ts';
import type { AgentTask } from './pod-wire.ts';

/** A Data Agent that has asked for its task. */
export interface CalledAgent {
  /** What the agent has to write goes there. */
  readonly answer: ServerResponse;
  /** What the agent has read, and how it went. */
  readonly report: Promise<AgentCall>;
  /** Rejects with the reason when its Pod comes to an end. */
  readonly lost: Promise<never>;
  /** Removes the Pod. */
  remove(): void;
}

/**
 * How long a new volume is waited for before a Pod is made for it, and for how long it is not waited for once that was in vain:
 * some StorageClasses make volumes only for Pods that are there. In milliseconds.
 */
const binding = { patience: 6000, vain: 600_000 };

type Parts = Pick<
  KubernetesOptions,
  'client' | 'namespace' | 'image' | 'imagePullPolicy' | 'imagePullSecrets' | 'log'
> & { readonly agents: AgentOptions };

/** The Data Agents of this process: one Pod for each transfer. */
export class DataAgents {
  readonly home = new AgentHome();
  readonly #parts: Parts;
  readonly #pods: Informer<Pod>;
  readonly #ended = new AbortController();
  readonly #removals = new Set<Promise<void>>();
  #watching: Promise<void> | undefined;
  #bindsLateUntil = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { client, namespace, log, agents } = parts;
    const labelSelector = `${selectorOf('data-agent')},${backendLabel}=${agents.pod.name}`;
    this.#pods = new Informer({ client, type: pods, namespace, selection: { labelSelector }, log });
  }

  /**
   * Makes a Data Agent and waits for its call.
   * @throws {NotFound} when there is no such volume
   * @throws {Unavailable} when its Pod can't run, with Kubernetes' reason
   */
  async start(volume: VolumeRef, task: AgentTask): Promise<CalledAgent> {
    this.#watching ??= this.#pods.run(this.#ended.signal);
    const { client, namespace, agents } = this.#parts;
    const [id, token] = [randomUUID(), randomBytes(32).toString('hex')];
    const name = agentName(id);
    const url = `${agents.address}/api/backend/agents/${id}`;
    const called = Promise.withResolvers<AgentCall>();
    const reported = Promise.withResolvers<AgentCall>();
    const forget = this.home.expect(id, { token, task, arrive: called.resolve, report: reported.resolve });
    const end = new AbortController();
    const remove = () => {
      forget();
      end.abort();
      this.#remove(name);
    };
    const lost = this.#lost(name, volume, end.signal);
    const late = new AbortController();
    try {
      await this.#bound(volume);
      const isReader = task.kind !== 'unpack';
      const agent = { id, url, token, volume, isReader };
      const pod = dataAgentPod(agent, { ...this.#parts, backend: agents.pod.name });
      await client.create(pods, namespace, pod);
      const { response } = await Promise.race([called.promise, lost, this.#late(name, late.signal)]);
      return { answer: response, report: reported.promise, lost, remove };
    } catch (error) {
      remove();
      throw error;
    } finally {
      late.abort();
    }
  }

  /** Removes what is left, and watches no more. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([this.#watching, ...this.#removals]);
  }

  /**
   * Waits until a volume is there. The scheduler takes up a Pod again that came before its volume, but has been seen to do so only
   * minutes later.
   */
  async #bound(volume: VolumeRef): Promise<void> {
    if (performance.now() < this.#bindsLateUntil) return;
    if (await isBoundWithin(binding.patience, this.#parts, volume)) return;
    this.#bindsLateUntil = performance.now() + binding.vain;
  }

  /** Rejects when a Pod has come to an end, or can't begin. */
  #lost(name: string, volume: VolumeRef, end: AbortSignal): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    // Whoever has the agent learns of it; one that is done with has nobody.
    promise.catch(() => {});
    const unlisten = this.#pods.onChange(({ metadata }) => {
      if (metadata?.name !== name) return;
      const trouble = podTrouble(this.#pods.get(name));
      if (trouble === undefined) return;
      if (trouble.isFinal)
        reject(unavailable(`the Data Agent of the volume ${volume} is gone: ${trouble.reason}`));
      else if (/not found/.test(trouble.reason)) this.#checkVolume(volume).catch(reject);
    });
    end.addEventListener('abort', unlisten, { once: true });
    return promise;
  }

  async #checkVolume(volume: VolumeRef): Promise<void> {
    const { client, namespace } = this.#parts;
    if ((await client.find(volumeClaims, namespace, volume)) === undefined)
      throw new NotFound(`there is no volume ${volume}`);
  }

  /** Rejects when an agent should have called long ago. */
  async #late(name: string, end: AbortSignal): Promise<never> {
    const { startDeadlineSeconds = 300 } = this.#parts.agents;
    await sleep(startDeadlineSeconds * 1000, undefined, { signal: end });
    const reason =
      podTrouble(this.#pods.get(name))?.reason ?? (await this.#warning(name)) ?? 'its Pod has not started';
    throw unavailable(
      `the Data Agent ${name} has not started within ${startDeadlineSeconds} seconds: ${reason}`,
    );
  }

  /** The last warning about a Pod, such as a volume that can't be mounted. */
  async #warning(name: string): Promise<string | undefined> {
    const { client, namespace } = this.#parts;
    const fieldSelector = `involvedObject.name=${name},type=Warning`;
    const { items } = await client.list(events, namespace, { fieldSelector });
    const last = items.sort((a, b) => timeOf(a) - timeOf(b)).at(-1);
    return last && `${last.reason}: ${last.message}`;
  }

  /** In the background: an agent that is done has nothing more to do with its transfer. */
  #remove(name: string): void {
    const { client, namespace, log } = this.#parts;
    const removal = client
      .delete(pods, namespace, name)
      .then(() => {})
      // Housekeeping does it.
      .catch((error) => log.warn({ err: error, pod: name }, 'a Data Agent could not be removed'))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}

const unavailable = (reason: string): Unavailable => new Unavailable({ reason, advice: 'Try again.' });

const timeOf = ({ lastTimestamp, eventTime, metadata }: KubernetesEvent): number =>
  Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
