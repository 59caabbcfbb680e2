import type { Client, Lineage, LineageDirection } from '@knitfab/api';
import { KnitError } from '@knitfab/core';
import { walkLineage } from './walk.ts';

/** What is asked for: how many Data far, in which directions. */
export interface LineageRequest {
  readonly knitId: string;
  readonly direction: LineageDirection;
  readonly depth: number | 'all';
}

/** The lineage of a Data, in one request; a 1.6 server is asked for one thing after the other. */
export async function fetchLineage(client: Client, request: LineageRequest): Promise<Lineage> {
  const { knitId, direction, depth } = request;
  try {
    return await client.getLineage({ knitId }, { direction, depth });
  } catch (error) {
    const missing = error instanceof KnitError && (error.status === 404 || error.status === 405);
    if (!missing || (await client.getVersion()) !== undefined) throw error;
    return await walkLineage(client, request);
  }
}
