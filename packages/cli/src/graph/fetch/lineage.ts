import type { Client, Lineage } from '@knitfab/api';
import type { Extent } from './extent.ts';
import { orFromOldServer } from './or-from-old-server.ts';
import { walkLineage } from './walk-lineage.ts';

/** The lineage of a Data, in one request; a 1.6 server is asked for Data and Runs one by one. */
export const fetchLineage = (client: Client, knitId: string, extent: Extent): Promise<Lineage> =>
  orFromOldServer(client, client.getLineage({ knitId }, extent), () => walkLineage(client, knitId, extent));
