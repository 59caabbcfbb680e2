import type { ArchiveType, Client } from '@knitfab/api';
import { archiveTypes } from '@knitfab/archive';

/** Whether the server is on this machine, where bytes travel faster than gzip makes fewer of them. */
const isNear = ({ apiRoot }: Client): boolean =>
  /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(new URL(apiRoot).hostname);

/** How to send an archive to the server: plain where it is near and knows plain archives (a 1.6 server does not). */
export async function uploadType(client: Client): Promise<ArchiveType> {
  if (!isNear(client)) return archiveTypes.tarGzip;
  const version = await client.getVersion();
  return version?.contentTypes.includes(archiveTypes.tar) ? archiveTypes.tar : archiveTypes.tarGzip;
}

/** How to ask for an archive that is unpacked here, the preferred way first. */
export const downloadTypes = (client: Client): ArchiveType[] =>
  isNear(client) ? [archiveTypes.tar, archiveTypes.tarGzip] : [archiveTypes.tarGzip];
