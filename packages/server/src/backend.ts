import type { Readable } from 'node:stream';
import type { KnitId, PlanDefinition, Resources, RunId } from '@knitfab/core';
import {
  checkFits,
  type Drivers,
  examine,
  type Finding,
  readRunLog,
  receiveData,
  sendData,
} from '@knitfab/engine';
import type { Store } from '@knitfab/store';

/** What knitd can't do with the database alone, and asks knitd-backend for (spec page 2, "Internal API"). */
export interface Backend {
  /** `local`, `docker` or `kubernetes` */
  readonly driver: string;
  /** @throws {Invalid} when the Plan could never run here */
  checkPlan(plan: PlanDefinition): void;
  /** @throws {Invalid} when they are more than there is */
  checkResources(resources: Resources): void;
  /** Makes a Data of a tar stream; see the engine's `receiveData`. */
  receive(tar: AsyncIterable<Buffer>, verified: () => Promise<void>): Promise<KnitId>;
  /** A Data's tree as a tar stream. */
  send(knitId: KnitId): Promise<Readable>;
  /** Checks that database, volumes and workers agree; see the engine's `examine`. */
  examine(options: { fix: boolean }): Promise<Finding[]>;
  /** What a Run has written. */
  log(runId: RunId, options: { follow: boolean; signal?: AbortSignal }): Promise<Readable>;
}

/** The backend within the same process. */
export function localBackend(driver: string, store: Store, drivers: Drivers): Backend {
  return {
    driver,
    checkPlan: (plan) => drivers.workers.check(plan),
    checkResources: (resources) => checkFits(resources, drivers.workers.capacity),
    receive: (tar, verified) => receiveData(store, drivers, tar, verified),
    send: (knitId) => sendData(store, drivers, knitId),
    examine: (options) => examine(store, drivers, options),
    log: (runId, options) => readRunLog(store, drivers, runId, options),
  };
}
