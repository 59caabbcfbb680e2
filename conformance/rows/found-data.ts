import { z } from 'zod';
import { expectShape } from '../expect.ts';
import { dataDetail } from '../shapes.ts';
import type { World } from '../world.ts';

/** The Data that a query finds. */
export async function foundData(world: World, query: string) {
  return expectShape(
    await world.wire.get(`/api/data?${query}`),
    z.array(dataDetail),
    `GET /api/data?${query}`,
  );
}

export const ids = (list: readonly { knitId: string }[]): string[] => list.map(({ knitId }) => knitId);

export const query = (parameters: readonly (readonly [string, string])[]): string =>
  String(new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])));
