import type { RunStatus } from '@knitfab/core';
import {
  admitRuns,
  changeStatus,
  nameWorkers,
  postponeRun,
  runMaterials,
  type Store,
  takePlaces,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { earlier } from './earlier.ts';
import type { Loop } from './loop.ts';
import { counts, sideBySide } from './outcome.ts';
import { provideVolume, takeSpares } from './spare-volumes.ts';

const limit = 50;

/** How many Runs are kept ready where a machine's room is scarce, unless told otherwise: enough that no end of a Run leaves it idle. */
const aheadOfScarceRoom = 100;

/**
 * Makes the output volumes of the waiting Runs that come next and names their workers: waiting → ready. A Run that is ready
 * already, and has given up its place, gets one again.
 */
export function initializeLoop(
  { db }: Store,
  { volumes, workers }: Pick<Drivers, 'volumes' | 'workers'>,
  ahead = aheadOfScarceRoom,
): Loop {
  const request = { limit, ...(workers.capacity && { ahead }) };
  return {
    name: 'initialize',
    // The start or the end of a Run may leave its place to another.
    topics: ['run:waiting', 'run:starting', 'run:done', 'run:failed'],
    step: () =>
      transaction(db, async (tx) => {
        const { runs: claimed, nextAt: lookAgainAt } = await admitRuns(tx, request);
        if (claimed.length === 0) return { more: false, ...(lookAgainAt && { nextAt: lookAgainAt }) };
        const idsOf = (status: RunStatus) =>
          claimed.filter((run) => run.status === status).map(({ runId }) => runId);
        await takePlaces(tx, idsOf('ready'));
        const waiting = idsOf('waiting');
        const taken = await takeSpares(tx, volumes, waiting);
        const runs = await runMaterials(tx, waiting);
        const outcomes = await sideBySide(runs, async ({ outputs, log }) => {
          const all = [...outputs, ...(log === null ? [] : [log])];
          await Promise.all(all.map((output) => provideVolume(volumes, output, taken)));
        });
        const ready = outcomes
          .filter((outcome) => outcome.error === undefined)
          .map((outcome) => outcome.row.runId);
        await nameWorkers(tx, ready);
        await changeStatus(tx, { runIds: ready, to: 'ready' });
        let nextAt: Date | undefined;
        for (const { row, error } of outcomes) {
          if (error !== undefined) nextAt = earlier(nextAt, await postponeRun(tx, row.runId, error.message));
        }
        return { more: true, ...(nextAt && { nextAt }), ...counts(outcomes) };
      }),
  };
}
