import { Invalid, KnitError, type RunId } from '@knitfab/core';
import {
  changeStatus,
  giveUpPlaces,
  isAnyReady,
  lockReservations,
  nextReadyDue,
  noteWaiting,
  postponeRun,
  type RunMaterial,
  readSystem,
  recordObservations,
  reserve,
  reserved,
  runMaterials,
  type Store,
  type Tx,
  takeReadyRuns,
  transaction,
} from '@knitfab/store';
import type { Capacity, Drivers } from '../drivers.ts';
import { earlier } from '../earlier.ts';
import type { Loop } from '../loop.ts';
import { counts, type Outcome, sideBySide } from '../outcome.ts';
import { amounts, checkFits } from '../room.ts';
import { workerSpec } from './worker-spec.ts';

/** How many are started side by side; few where room is scarce, for all but those that fit are taken in vain. */
const limitOf = (capacity: Capacity | undefined) => (capacity === undefined ? 50 : 10);

/** The exit code of a Run whose worker can never start (spec page 2: "255 when the image could not be had"). */
const refused = 255;

/** After so many attempts to start a worker, an hour with the pauses between them, its Run has failed. */
const mostFailures = 20;

/** After so many, some seconds, its Run no longer keeps others from being started meanwhile. */
const failuresInPlace = 3;

/**
 * Starts the workers of Runs that are ready: ready → starting, by priority and by turns (see the store's admission). Where
 * the driver has a capacity, as many as fit; a Run that does not fit waits, and so do those behind it, lest a large one wait
 * for ever.
 */
export function startWorkersLoop({ db }: Store, { workers }: Pick<Drivers, 'workers'>): Loop {
  return {
    name: 'run-management (start)',
    topics: workers.capacity
      ? ['run:ready', 'run:completing', 'run:aborting', 'run:done', 'run:failed']
      : ['run:ready'],
    step: () =>
      transaction(db, async (tx) => {
        // Most of what wakes this loop leaves nothing to start.
        if (!(await isAnyReady(tx))) return { more: false };
        const room = workers.capacity && (await freeRoom(tx, workers.capacity));
        if (room && room.cpu <= rounding) return { more: false };
        const limit = limitOf(workers.capacity);
        const claimed = await takeReadyRuns(tx, limit);
        if (claimed.length === 0) {
          // While the system is paused, Runs that are ready are not looked for: its end wakes this loop.
          const { paused } = await readSystem(tx);
          const nextAt = paused ? undefined : await nextReadyDue(tx);
          return { more: false, ...(nextAt && { nextAt }) };
        }
        const materials = await runMaterials(
          tx,
          claimed.map((run) => run.runId),
        );
        const { possible, refusals } = sorted(materials, workers.capacity);
        const runs = room ? await fitting(tx, possible, room) : possible;
        const outcomes = [...refusals, ...(await sideBySide(runs, (run) => workers.start(workerSpec(run))))];
        const started = outcomes.filter(({ error }) => error === undefined).map(({ row }) => row.runId);
        await changeStatus(tx, { runIds: started, to: 'starting' });
        const failuresOf = new Map(claimed.map((run) => [run.runId, run.failures + 1]));
        const stuck: RunId[] = [];
        let nextAt: Date | undefined;
        for (const { row, error } of outcomes) {
          if (error === undefined) continue;
          const { runId } = row;
          const failures = failuresOf.get(runId) ?? 1;
          if (error instanceof Invalid || failures >= mostFailures) {
            await giveUp(tx, runId, error);
          } else {
            nextAt = earlier(nextAt, await postponeRun(tx, runId, error.message));
            if (failures >= failuresInPlace) stuck.push(runId);
          }
        }
        await giveUpPlaces(tx, stuck);
        // Where nothing was done, all that is left waits for room: the end of a Run wakes this loop.
        return { more: outcomes.length > 0, ...(nextAt && { nextAt }), ...counts(outcomes) };
      }),
  };
}

/** Ends a Run whose worker can never start, or could not be started for too long. */
async function giveUp(tx: Tx, runId: RunId, error: Error): Promise<void> {
  const exit = { code: refused, message: error instanceof KnitError ? error.reason : error.message };
  await recordObservations(tx, [{ runId, cause: error instanceof Invalid ? 'error' : 'lost' }]);
  await changeStatus(tx, { runIds: [runId], to: 'aborting', exit });
}

/** Parts Runs that can run here from those that never could, such as after a move to a smaller machine. */
function sorted(runs: RunMaterial[], capacity: Capacity | undefined) {
  const possible: RunMaterial[] = [];
  const refusals: Outcome<RunMaterial>[] = [];
  for (const run of runs) {
    try {
      checkFits(run.resources, capacity);
      possible.push(run);
    } catch (error) {
      refusals.push({ row: run, error: error as Error });
    }
  }
  return { possible, refusals };
}

/** What the machine has left. Only one transaction at a time gives it away. */
async function freeRoom(tx: Tx, capacity: Capacity): Promise<Capacity> {
  await lockReservations(tx);
  const taken = await reserved(tx);
  return { cpu: capacity.cpu - taken.cpu, memory: capacity.memory - taken.memory };
}

/** The first of the Runs, as many as there is room for; their room is reserved. */
async function fitting(tx: Tx, runs: RunMaterial[], free: Capacity): Promise<RunMaterial[]> {
  const room = { ...free };
  const result: RunMaterial[] = [];
  for (const run of runs) {
    const asked = amounts(run.resources);
    if (asked.cpu > room.cpu + rounding || asked.memory > room.memory) break;
    room.cpu -= asked.cpu;
    room.memory -= asked.memory;
    await reserve(tx, run.runId, asked);
    result.push(run);
  }
  const waiting = runs.slice(result.length).map((run) => run.runId);
  await noteWaiting(tx, waiting, 'waits for CPU or memory that other Runs are using');
  return result;
}

/** Sums of decimal fractions of a core are not exact. */
const rounding = 1e-9;
