import { claimGarbage, forgetGarbage, postponeGarbage, type Store, transaction } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { earlier } from './earlier.ts';
import type { Loop } from './loop.ts';
import { counts, sideBySide } from './outcome.ts';

const limit = 20;

/** Destroys the volumes of deleted Data. */
export function garbageCollectionLoop({ db }: Store, { volumes }: Pick<Drivers, 'volumes'>): Loop {
  return {
    name: 'garbage-collection',
    topics: ['garbage'],
    step: () =>
      transaction(db, async (tx) => {
        const garbage = await claimGarbage(tx, limit);
        const outcomes = await sideBySide(garbage, ({ volumeRef }) => volumes.destroy(volumeRef));
        const destroyed = outcomes.filter(({ error }) => error === undefined).map(({ row }) => row.volumeRef);
        await forgetGarbage(tx, destroyed);
        let nextAt: Date | undefined;
        for (const { row, error } of outcomes) {
          if (error !== undefined)
            nextAt = earlier(nextAt, await postponeGarbage(tx, row.volumeRef, error.message));
        }
        return { more: garbage.length > 0, ...(nextAt && { nextAt }), ...counts(outcomes) };
      }),
  };
}
