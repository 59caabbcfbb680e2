import type { RunId } from '@knitfab/core';
import {
  type ClaimedRun,
  changeStatus,
  claimRuns,
  discardUpload,
  postponeRun,
  type RunMaterial,
  renominateData,
  retryFailedRuns,
  runMaterials,
  type Store,
  stampOutputs,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { earlier } from './earlier.ts';
import { LongWork } from './long-work.ts';
import type { Loop, Step } from './loop.ts';
import { counts, idleStep, sideBySide } from './outcome.ts';

/**
 * How long a step waits for a Run's end outside of the database; what takes longer goes on beside the steps that follow. Whoever
 * takes stopped Runs has nothing else to do meanwhile, and waits as long as a timer can.
 */
const patienceMilliseconds = { ended: 2000, stopped: 2 ** 31 - 1 };

/** When to look again for what takes longer. */
const soonMilliseconds = 500;

/**
 * Removes the workers of Runs that have ended and stamps their outputs: completing → done, aborting → failed. The Data of a
 * done Run are nominated in the same transaction, and a failed Run that has a retry left goes back to the start.
 *
 * `stopped` are the Runs that a user has ended: their workers may still have to be ended, which takes a while, so they are
 * taken one by one and never hold up the others.
 */
export function finishingLoop({ db }: Store, drivers: Drivers, { stopped }: { stopped: boolean }): Loop {
  const limit = stopped ? 1 : 50;
  const endings = new LongWork<Ending>(
    ({ run, material }) => finish(drivers, run, material),
    stopped ? patienceMilliseconds.stopped : patienceMilliseconds.ended,
  );
  return {
    name: stopped ? 'finishing (stopped)' : 'finishing',
    topics: ['run:completing', 'run:aborting'],
    step: () =>
      transaction(db, async (tx): Promise<Step> => {
        const statuses = ['completing', 'aborting'] as const;
        const except = endings.underWay.map(({ run }) => run.runId);
        const claimed = await claimRuns(tx, { statuses, limit, stopped, except });
        if (claimed.length === 0) return idleStep(tx, { statuses, stopped });
        const materials = await runMaterials(
          tx,
          claimed.map((run) => run.runId),
        );
        const materialOf = new Map(materials.map((material) => [material.runId, material]));
        const slow = new Set<RunId>();
        const all = await sideBySide(claimed, async (run) => {
          const { runId, attempt } = run;
          const ending = { run, material: materialOf.get(runId) };
          if (!(await endings.attempt(`${runId} ${attempt}`, ending))) slow.add(runId);
        });
        const outcomes = all.filter(({ row }) => !slow.has(row.runId));
        const finished = (status: 'completing' | 'aborting'): RunId[] =>
          outcomes
            .filter(({ row, error }) => error === undefined && row.status === status)
            .map(({ row }) => row.runId);
        const done = await changeStatus(tx, { runIds: finished('completing'), to: 'done' });
        const failed = await changeStatus(tx, { runIds: finished('aborting'), to: 'failed' });
        await stampOutputs(tx, failed);
        await retryFailedRuns(tx, failed);
        const made = await stampOutputs(tx, done);
        if (made.length > 0) await renominateData(tx, made);
        // A Run without a worker and without inputs was an upload.
        for (const { row, error } of outcomes) {
          const isUpload = row.worker === null && materialOf.get(row.runId)?.inputs.length === 0;
          if (isUpload && error === undefined) await discardUpload(tx, row);
        }
        let nextAt = slow.size === 0 ? undefined : new Date(Date.now() + soonMilliseconds);
        for (const { row, error } of outcomes) {
          if (error !== undefined) nextAt = earlier(nextAt, await postponeRun(tx, row.runId, error.message));
        }
        return { more: true, ...(nextAt && { nextAt }), ...counts(outcomes) };
      }),
  };
}

interface Ending {
  readonly run: ClaimedRun;
  readonly material: RunMaterial | undefined;
}

/** Ends the worker, if there was one, and makes the outputs whole: there, even if nothing was begun, and durable. */
async function finish(
  { workers, volumes }: Drivers,
  { worker, status }: ClaimedRun,
  material: RunMaterial | undefined,
): Promise<void> {
  if (worker !== null) await workers.remove(worker);
  const { outputs = [], log = null } = material ?? {};
  const refs = [...outputs, ...(log === null ? [] : [log])].map((output) => output.volume);
  await Promise.all(
    refs.map(async (ref) => {
      if (worker === null) await volumes.create(ref);
      if (status === 'completing') await volumes.sync(ref);
    }),
  );
}
