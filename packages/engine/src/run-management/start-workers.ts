import { defaultResources, Invalid, parseQuantity, type Resources } from '@knitfab/core';
import {
  changeStatus,
  claimRuns,
  lockReservations,
  noteWaiting,
  postponeRun,
  type RunMaterial,
  reserve,
  reserved,
  runMaterials,
  type Store,
  type Tx,
  transaction,
} from '@knitfab/store';
import type { Capacity, Drivers } from '../drivers.ts';
import type { Loop } from '../loop.ts';
import { earlier, sideBySide } from '../outcome.ts';
import { workerSpec } from './worker-spec.ts';

/** How many are started side by side; few where room is scarce, for all but those that fit are taken in vain. */
const limitOf = (capacity: Capacity | undefined) => (capacity === undefined ? 50 : 10);

/** The exit code of a Run whose worker can never start (spec page 2: "255 when the image could not be had"). */
const refused = 255;

/**
 * Starts the workers of Runs that are ready: ready → starting. Where the driver has a capacity, oldest first, as many as
 * fit; a Run that does not fit waits, and so do those behind it, lest a large one wait for ever.
 */
export function startWorkersLoop({ db }: Store, { workers }: Pick<Drivers, 'workers'>): Loop {
  return {
    name: 'run-management (start)',
    topics: workers.capacity
      ? ['run:ready', 'run:completing', 'run:aborting', 'run:done', 'run:failed']
      : ['run:ready'],
    step: () =>
      transaction(db, async (tx) => {
        const room = workers.capacity && (await freeRoom(tx, workers.capacity));
        if (room && room.cpu <= rounding) return { more: false };
        const limit = limitOf(workers.capacity);
        const claimed = await claimRuns(tx, { statuses: ['ready'], limit });
        if (claimed.length === 0) return { more: false };
        const materials = await runMaterials(
          tx,
          claimed.map((run) => run.runId),
        );
        const runs = room ? await fitting(tx, materials, room) : materials;
        const outcomes = await sideBySide(runs, (run) => workers.start(workerSpec(run)));
        const started = outcomes.filter(({ error }) => error === undefined).map(({ row }) => row.runId);
        await changeStatus(tx, { runIds: started, to: 'starting' });
        let nextAt: Date | undefined;
        for (const { row, error } of outcomes) {
          if (error instanceof Invalid) {
            const exit = { code: refused, message: error.reason };
            await changeStatus(tx, { runIds: [row.runId], to: 'aborting', exit });
          } else if (error !== undefined) {
            nextAt = earlier(nextAt, await postponeRun(tx, row.runId, error.message));
          }
        }
        return {
          more: claimed.length === limit && runs.length === claimed.length,
          ...(nextAt && { nextAt }),
        };
      }),
  };
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

function amounts(resources: Resources): Capacity {
  const { cpu = '1', memory = '1Gi' } = { ...defaultResources, ...resources };
  return { cpu: parseQuantity(cpu), memory: parseQuantity(memory) };
}
