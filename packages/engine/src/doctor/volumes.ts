import { type Breach, discardStrayVolumes, strayVolumes, transaction, volumesInUse } from '@knitfab/store';
import type { OutsideInvariant } from './doctor.ts';

/** How many volumes are looked at side by side. */
const batch = 200;

/** So many strays may be all that there is. */
const fewVolumes = 10;

export const volumesExist: OutsideInvariant = {
  name: 'volumes of Data',
  rule: 'the volume of each Data that is finished or under way exists',
  async check({ db }, { volumes }, most) {
    const breaches: Breach[] = [];
    for (let last = ''; breaches.length < most; ) {
      const named = await volumesInUse(db, { last, limit: batch });
      const ready = await Promise.all(named.map(({ volumeRef }) => volumes.isReady(volumeRef)));
      for (const [index, { volumeRef, runId, status }] of named.entries()) {
        if (ready[index]) continue;
        breaches.push({
          subject: runId,
          problem: `the Run is ${status}, and its volume ${volumeRef} is missing`,
        });
      }
      if (named.length < batch) break;
      last = named.at(-1)?.volumeRef ?? last;
    }
    return breaches.slice(0, most);
  },
};

export const volumesHaveData: OutsideInvariant = {
  name: 'stray volumes',
  rule: 'each volume is of a Data, or is to be destroyed',
  async check({ db }, { volumes }, most) {
    // Listed first: a Data is in the database before its volume is made.
    const existing = await volumes.list();
    const strays: string[] = [];
    for (let start = 0; start < existing.length && strays.length < most; start += 10_000) {
      strays.push(...(await strayVolumes(db, existing.slice(start, start + 10_000))));
    }
    return strays.slice(0, most).map((subject) => ({ subject, problem: 'no Data has this volume' }));
  },
  /** Where most volumes are strays, it is more likely that the database is not theirs: restored from a backup, or another. */
  async mend({ db }, { volumes }, breaches) {
    const existing = await volumes.list();
    if (breaches.length > fewVolumes && breaches.length * 2 > existing.length) return breaches;
    await transaction(db, (tx) =>
      discardStrayVolumes(
        tx,
        breaches.map(({ subject }) => subject),
      ),
    );
    return [];
  },
};
