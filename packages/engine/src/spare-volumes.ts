import type { KnitId, RunId } from '@knitfab/core';
import {
  alignSpareVolumes,
  claimSpareVolumes,
  nextSpareVolumeDue,
  offerSpareVolumes,
  postponeSpareVolume,
  type SpareTaken,
  type Store,
  type Tx,
  takeSpareVolumes,
  transaction,
} from '@knitfab/store';
import type { Drivers, SpareVolumes, VolumeDriver, VolumeRef } from './drivers.ts';
import { earlier } from './earlier.ts';
import type { Loop } from './loop.ts';
import { counts, sideBySide } from './outcome.ts';

const limit = 20;

/** Keeps as many spare volumes ready as the driver asks for; there is nothing to do where it asks for none. */
export function spareVolumesLoops({ db }: Store, { volumes }: Pick<Drivers, 'volumes'>): Loop[] {
  const { spares } = volumes;
  return spares === undefined ? [] : [spareVolumesLoop({ db }, spares)];
}

function spareVolumesLoop({ db }: Pick<Store, 'db'>, spares: SpareVolumes): Loop {
  return {
    name: 'initialize (spare volumes)',
    topics: ['spare-volume'],
    async step() {
      await transaction(db, (tx) => alignSpareVolumes(tx, spares));
      return await transaction(db, async (tx) => {
        const claimed = await claimSpareVolumes(tx, limit);
        const outcomes = await sideBySide(claimed, ({ volumeRef }) => spares.make(volumeRef));
        const made = outcomes.filter(({ error }) => error === undefined).map(({ row }) => row.volumeRef);
        await offerSpareVolumes(tx, made);
        let nextAt = claimed.length === 0 ? await nextSpareVolumeDue(tx) : undefined;
        for (const { row, error } of outcomes) {
          if (error !== undefined)
            nextAt = earlier(nextAt, await postponeSpareVolume(tx, row.volumeRef, error.message));
        }
        return { more: claimed.length > 0, ...(nextAt && { nextAt }), ...counts(outcomes) };
      });
    },
  };
}

/** Gives spare volumes to the outputs of Runs whose volumes have not been made. @returns those outputs that have got one */
export async function takeSpares(
  tx: Tx,
  { spares }: VolumeDriver,
  runIds: readonly RunId[],
): Promise<SpareTaken[]> {
  if (spares === undefined || spares.count === 0) return [];
  return await takeSpareVolumes(tx, { runIds, kind: spares.kind });
}

/** Makes the volume of a Data, unless it is a spare one that is there. */
export async function provideVolume(
  volumes: VolumeDriver,
  { volume, knitId }: { volume: VolumeRef; knitId: KnitId },
  taken: readonly SpareTaken[],
): Promise<void> {
  const isSpare = taken.some(({ volumeRef }) => volumeRef === volume);
  if (isSpare && (await volumes.spares?.adopt(volume, knitId))) return;
  await volumes.create(volume, knitId);
}
