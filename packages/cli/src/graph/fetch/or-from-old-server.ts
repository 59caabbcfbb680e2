import type { Client } from '@knitfab/api';
import { KnitError } from '@knitfab/core';

/**
 * Asks a server for an addition to the API of Knitfab 1.6, and a server that does not have it in another way.
 * @param inOtherWords asks for the same with what 1.6 has
 */
export async function orFromOldServer<Result>(
  client: Client,
  addition: Promise<Result>,
  inOtherWords: () => Promise<Result>,
): Promise<Result> {
  try {
    return await addition;
  } catch (error) {
    const missing = error instanceof KnitError && (error.status === 404 || error.status === 405);
    if (!missing || (await client.getVersion()) !== undefined) throw error;
    return await inOtherWords();
  }
}
