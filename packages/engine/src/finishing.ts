import type { RunId } from '@knitfab/core';
import {
  type ClaimedRun,
  changeStatus,
  claimRuns,
  discardUpload,
  keepRuns,
  noteWaiting,
  postponeRun,
  type RunMaterial,
  renominateData,
  retryFailedRuns,
  runMaterials,
  type Store,
  stampOutputs,
  type Tx,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { earlier } from './earlier.ts';
import { LongWork } from './long-work.ts';
import type { Loop, Step } from './loop.ts';
import { counts, idleStep, type Outcome, sideBySide } from './outcome.ts';

export interface FinishingOptions {
  /** Those that a user has ended, or those that ended by themselves. */
  stopped: boolean;
  /** How long a Run's end may take before the Run says what it waits for; a minute when absent. */
  deadlineMilliseconds?: number;
}

/** How long a step waits for a Run's end outside of the database; what takes longer goes on beside the steps that follow. */
const patienceMilliseconds = 500;

/** When to look again for what takes longer. */
const soonMilliseconds = 500;

/** How many are taken in a step, and how many that take longer go on at once. */
const most = { taken: 50, underWay: 200 };

const defaultDeadlineMilliseconds = 60_000;

const statuses = ['completing', 'aborting'] as const;

/** A Run's end under way. */
interface Ending {
  readonly run: ClaimedRun;
  readonly material: RunMaterial | undefined;
  /** What is being waited for. */
  doing: string;
}

/**
 * Removes the workers of Runs that have ended and stamps their outputs: completing → done, aborting → failed. The Data of a
 * done Run are nominated in the same transaction, and a failed Run that has a retry left goes back to the start.
 *
 * An end may take long: a worker has to be killed, or gigabytes to be written. It then goes on by itself, while the Run is kept
 * from other copies of the loop; after a deadline the Run says what it waits for. `stopped` are the Runs that a user has
 * ended: most of them take a while, so that they are taken apart from the others.
 */
export function finishingLoop({ db }: Store, drivers: Drivers, options: FinishingOptions): Loop {
  const { stopped, deadlineMilliseconds = defaultDeadlineMilliseconds } = options;
  const endings = new LongWork<Ending>((ending) => finish(drivers, ending), patienceMilliseconds);
  return {
    name: stopped ? 'finishing (stopped)' : 'finishing',
    topics: ['run:completing', 'run:aborting'],
    async step() {
      const ended = endings.takeEnded();
      return await transaction(db, async (tx): Promise<Step> => {
        const underWay = endings.underWay;
        const late = underWay.filter(({ milliseconds }) => milliseconds >= deadlineMilliseconds);
        for (const { row } of late) await noteWaiting(tx, [row.run.runId], problemOf(row));
        await keepRuns(
          tx,
          underWay.map(({ row }) => row.run.runId),
        );
        const before = await outcomesOf(tx, ended);
        const except = [...underWay, ...ended].map(({ row }) => row.run.runId);
        const limit = Math.min(most.taken, most.underWay - underWay.length);
        const claimed = await claimRuns(tx, { statuses, limit, stopped, except });
        const slow: RunId[] = [];
        const now = await sideBySide(await endingsOf(tx, claimed), async (ending) => {
          if (!(await endings.attempt(ending))) slow.push(ending.run.runId);
        });
        await keepRuns(tx, slow);
        const outcomes = [...before, ...now.filter(({ row }) => !slow.includes(row.run.runId))];
        const dueAt = await conclude(tx, outcomes);
        const isSlow = underWay.length + slow.length > 0;
        const nextAt = isSlow ? earlier(dueAt, new Date(Date.now() + soonMilliseconds)) : dueAt;
        if (outcomes.length === 0 && slow.length === 0) {
          const idle = await idleStep(tx, { statuses, stopped });
          const first = nextAt === undefined ? idle.nextAt : earlier(nextAt, idle.nextAt);
          return { ...idle, ...(first && { nextAt: first }) };
        }
        return { more: true, ...(nextAt && { nextAt }), ...counts(outcomes) };
      });
    },
  };
}

const problemOf = ({ doing }: Ending): string => `${doing}, which takes longer than it should`;

async function endingsOf(tx: Tx, claimed: readonly ClaimedRun[]): Promise<Ending[]> {
  if (claimed.length === 0) return [];
  const materials = await runMaterials(
    tx,
    claimed.map((run) => run.runId),
  );
  const materialOf = new Map(materials.map((material) => [material.runId, material]));
  return claimed.map((run) => ({ run, material: materialOf.get(run.runId), doing: 'it is being ended' }));
}

/** Takes the Runs whose ends went on beside the steps; one that has gone on without us is passed over. */
async function outcomesOf(tx: Tx, ended: readonly Outcome<Ending>[]): Promise<Outcome<Ending>[]> {
  if (ended.length === 0) return [];
  const among = ended.map(({ row }) => row.run.runId);
  const claimed = await claimRuns(tx, { statuses, limit: among.length, among });
  const claimedOf = new Map(claimed.map((run) => [run.runId, run]));
  return ended.flatMap(({ row, error }): Outcome<Ending>[] => {
    const run = claimedOf.get(row.run.runId);
    if (run?.attempt !== row.run.attempt) return [];
    const taken = { ...row, run };
    return [error === undefined ? { row: taken } : { row: taken, error }];
  });
}

/** Writes down how the Runs ended. @returns when the first of those that could not be ended is due again */
async function conclude(tx: Tx, outcomes: readonly Outcome<Ending>[]): Promise<Date | undefined> {
  if (outcomes.length === 0) return undefined;
  const finished = (status: 'completing' | 'aborting'): RunId[] =>
    outcomes
      .filter(({ row, error }) => error === undefined && row.run.status === status)
      .map(({ row }) => row.run.runId);
  const done = await changeStatus(tx, { runIds: finished('completing'), to: 'done' });
  const failed = await changeStatus(tx, { runIds: finished('aborting'), to: 'failed' });
  await stampOutputs(tx, failed);
  await retryFailedRuns(tx, failed);
  const made = await stampOutputs(tx, done);
  if (made.length > 0) await renominateData(tx, made);
  let nextAt: Date | undefined;
  for (const { row, error } of outcomes) {
    // A Run without a worker and without inputs was an upload.
    const isUpload = row.run.worker === null && row.material?.inputs.length === 0;
    if (error !== undefined) nextAt = earlier(nextAt, await postponeRun(tx, row.run.runId, error.message));
    else if (isUpload) await discardUpload(tx, row.run);
  }
  return nextAt;
}

/** Ends the worker, if there was one, and makes the outputs whole: there, even if nothing was begun, and durable. */
async function finish({ workers, volumes }: Drivers, ending: Ending): Promise<void> {
  const { worker, status } = ending.run;
  ending.doing = 'its worker is being removed';
  if (worker !== null) await workers.remove(worker);
  ending.doing = 'its outputs are being written to disk';
  const { outputs = [], log = null } = ending.material ?? {};
  const all = [...outputs, ...(log === null ? [] : [log])];
  await Promise.all(
    all.map(async ({ volume, knitId }) => {
      if (worker === null) await volumes.create(volume, knitId);
      if (status === 'completing') await volumes.sync(volume);
    }),
  );
}
