import { claimBacklog, nominatePiece, type Store, transaction } from '@knitfab/store';
import type { Loop } from './loop.ts';

/** Nominates the Data that fit new Plans, piece by piece: what registering a Plan has left over (spec page 1). */
export function nominationLoop({ db }: Store, pieceSize?: number): Loop {
  return {
    name: 'nomination',
    topics: ['nomination-backlog'],
    step: () =>
      transaction(db, async (tx) => {
        const backlog = await claimBacklog(tx);
        if (backlog === undefined) return { more: false };
        return { more: true, done: await nominatePiece(tx, backlog, pieceSize) };
      }),
  };
}
