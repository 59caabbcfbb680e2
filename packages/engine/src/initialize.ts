import {
  changeStatus,
  claimRuns,
  nameWorkers,
  postponeRun,
  runMaterials,
  type Store,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { earlier } from './earlier.ts';
import type { Loop } from './loop.ts';
import { idleStep, sideBySide } from './outcome.ts';

const limit = 50;

/** Makes the output volumes of waiting Runs and names their workers: waiting → ready. */
export function initializeLoop({ db }: Store, { volumes }: Pick<Drivers, 'volumes'>): Loop {
  return {
    name: 'initialize',
    topics: ['run:waiting'],
    step: () =>
      transaction(db, async (tx) => {
        const claimed = await claimRuns(tx, { statuses: ['waiting'], limit });
        if (claimed.length === 0) return idleStep(tx, { statuses: ['waiting'] });
        const runs = await runMaterials(
          tx,
          claimed.map((run) => run.runId),
        );
        const outcomes = await sideBySide(runs, async ({ outputs, log }) => {
          const refs = [...outputs, ...(log === null ? [] : [log])].map((output) => output.volume);
          await Promise.all(refs.map((ref) => volumes.create(ref)));
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
        return { more: true, ...(nextAt && { nextAt }) };
      }),
  };
}
