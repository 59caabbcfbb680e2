import type { RunId } from '@knitfab/core';
import { holdWithoutWorker, runsWithoutWorker, startedRuns, transaction } from '@knitfab/store';
import { runOfWorker, workerName } from '../run-management/worker-spec.ts';
import type { OutsideInvariant } from './doctor.ts';

export const workersExist: OutsideInvariant = {
  name: 'workers of Runs',
  rule: 'each Run that is starting or running has its worker',
  async check({ db }, { workers }, most) {
    const existing = new Set(await workers.list());
    const started = await startedRuns(db);
    return started
      .filter((runId) => !existing.has(workerName(runId)))
      .slice(0, most)
      .map((subject) => ({ subject, problem: 'the Run has no worker' }));
  },
};

export const workersHaveRuns: OutsideInvariant = {
  name: 'stray workers',
  rule: 'each worker is of a Run that is under way',
  async check({ db }, { workers }, most) {
    const existing = (await workers.list()).flatMap((name) => runOfWorker(name) ?? []);
    const strays = await runsWithoutWorker(db, existing);
    return strays.slice(0, most).map((subject) => ({ subject, problem: 'the Run’s worker is left over' }));
  },
  async mend({ db }, { workers }, breaches) {
    for (const { subject } of breaches) {
      await transaction(db, async (tx) => {
        if (await holdWithoutWorker(tx, subject as RunId)) await workers.remove(workerName(subject));
      });
    }
    return [];
  },
};
