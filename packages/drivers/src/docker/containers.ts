import { setTimeout } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import { unlessMissing } from './engine.ts';
import { type EngineClient, EngineRefusal } from './engine-client.ts';
import type { ContainerInspection, ContainerSummary } from './engine-shapes.ts';

/** How often a container is looked at before its state is given up, and how long the first pause between is. */
const maxInspections = 5;
const inspectionPauseMilliseconds = 50;

/** The containers of an engine, by name or id. Calls may be repeated: what is done already is no error. */
export class Containers {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /**
   * @param spec see container-spec.ts; where one of that name exists, it stays as it is
   * @returns the engine's warnings, such as of limits that it can't set
   */
  async create(name: string, spec: object): Promise<string[]> {
    const request = { method: 'POST', path: '/containers/create', query: { name }, body: spec } as const;
    try {
      const { Warnings } = await this.#client.json<{ Warnings?: string[] | null }>(request);
      return Warnings ?? [];
    } catch (error) {
      if (!isTaken(error)) throw error;
      return [];
    }
  }

  async start(name: string): Promise<void> {
    await this.#client.json({ method: 'POST', path: `/containers/${name}/start` });
  }

  /**
   * @returns undefined when there is none
   * @throws {Unavailable} when the engine can't tell
   */
  async inspect(name: string): Promise<ContainerInspection | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await unlessMissing(
          this.#client.json<ContainerInspection>({ path: `/containers/${name}/json` }),
        );
      } catch (error) {
        if (!(error instanceof EngineRefusal)) throw error;
        if (isHalfRemoved(error)) return undefined;
        // Podman looks at processes that may end while it does so ("read /proc/1/cgroup: no such process").
        if (attempt === maxInspections)
          throw new Unavailable(`the state of ${name} is unknown: ${error.message}`);
        await setTimeout(attempt * inspectionPauseMilliseconds);
      }
    }
  }

  /** SIGTERM, and SIGKILL when it has not ended after so many seconds. */
  async stop(name: string, seconds: number): Promise<void> {
    const request = { method: 'POST', path: `/containers/${name}/stop`, query: { t: seconds } } as const;
    await unlessMissing(this.#client.json(request));
  }

  /** Removes it, with the volumes that its image has asked for; kills it where it runs. */
  async remove(name: string): Promise<void> {
    const request = {
      method: 'DELETE',
      path: `/containers/${name}`,
      query: { force: true, v: true },
    } as const;
    await unlessMissing(this.#client.json(request));
  }

  /** All that have a label with this value, whatever they do. */
  async list(label: string, value: string): Promise<ContainerSummary[]> {
    const filters = JSON.stringify({ label: [`${label}=${value}`] });
    return await this.#client.json({ path: '/containers/json', query: { all: true, filters } });
  }
}

/** What Podman says of a container ever after when it was killed while it removed it; to remove it again helps. */
const isHalfRemoved = (error: EngineRefusal): boolean => /container not known/i.test(error.message);

/** Podman before 5 tells it as an inner error. */
const isTaken = (error: unknown): boolean =>
  error instanceof EngineRefusal && (error.status === 409 || /name .*(already )?in use/i.test(error.message));
