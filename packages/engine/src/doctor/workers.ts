import { holdStrayWorker, startedWorkers, strayWorkers, transaction } from '@knitfab/store';
import { namedWorkers } from '../run-management/worker-spec.ts';
import type { OutsideInvariant } from './doctor.ts';

export const workersExist: OutsideInvariant = {
  name: 'workers of Runs',
  rule: 'each Run that is starting or running has its worker',
  async check({ db }, { workers }, most) {
    const existing = new Set(await workers.list());
    const started = await startedWorkers(db);
    return started
      .filter(({ name }) => !existing.has(name))
      .slice(0, most)
      .map(({ runId: subject }) => ({ subject, problem: 'the Run has no worker' }));
  },
};

export const workersHaveRuns: OutsideInvariant = {
  name: 'stray workers',
  rule: 'each worker is of a Run that is under way',
  async check({ db }, { workers }, most) {
    const strays = await strayWorkers(db, namedWorkers(await workers.list()));
    return strays
      .slice(0, most)
      .map(({ name: subject }) => ({ subject, problem: 'no Run has this worker any more' }));
  },
  async mend({ db }, { workers }, breaches) {
    for (const worker of namedWorkers(breaches.map(({ subject }) => subject))) {
      await transaction(db, async (tx) => {
        if (await holdStrayWorker(tx, worker)) await workers.remove(worker.name);
      });
    }
    return [];
  },
};
