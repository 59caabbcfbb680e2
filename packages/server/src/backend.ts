import type { Readable } from 'node:stream';
import type { KnitId, PlanDefinition, Resources, RunId } from '@knitfab/core';
import { checkFits, type Drivers, examine, type Finding, readRunLog, sendData } from '@knitfab/engine';
import type { Store } from '@knitfab/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { receiveArchive } from './receive-archive.ts';
import { sendArchive } from './send-archive.ts';

/** What knitd can't do with the database alone, and asks knitd-backend for (spec page 2, "Internal API"). */
export interface Backend {
  /** `local`, `docker` or `kubernetes` */
  readonly driver: string;
  /** @throws {Invalid} when the Plan could never run here */
  checkPlan(plan: PlanDefinition): void;
  /** @throws {Invalid} when they are more than there is */
  checkResources(resources: Resources): void;
  /**
   * Makes a Data of the archive in a request's body.
   * @throws {Invalid} when the archive is cut off, damaged, or not what its checksum says; nothing is left of it
   */
  receive(request: FastifyRequest): Promise<KnitId>;
  /**
   * Answers with a Data's tree as an archive.
   * @throws {NotFound} {@link Unavailable} before anything is answered
   */
  send(knitId: KnitId, request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Checks that database, volumes and workers agree; see the engine's `examine`. */
  examine(options: { fix: boolean }): Promise<Finding[]>;
  /** What a Run has written. */
  log(runId: RunId, options: { follow: boolean; signal?: AbortSignal }): Promise<Readable>;
}

/** The backend within the same process. */
export function localBackend(
  driver: string,
  store: Store,
  drivers: Drivers,
  checks: Pick<Backend, 'checkPlan' | 'checkResources'> = {
    checkPlan: (plan) => drivers.workers.check(plan),
    checkResources: (resources) => checkFits(resources, drivers.workers.capacity),
  },
): Backend {
  return {
    driver,
    ...checks,
    receive: (request) => receiveArchive(request, store, drivers),
    send: async (knitId, request, reply) =>
      sendArchive(await sendData(store, drivers, knitId), request, reply),
    examine: (options) => examine(store, drivers, options),
    log: (runId, options) => readRunLog(store, drivers, runId, options),
  };
}
