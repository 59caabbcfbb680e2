import type { ArchiveType, Client } from '@knitfab/api';
import { archiveTypes } from '@knitfab/archive';

/** Whether the server is on this machine, where bytes travel faster than gzip makes fewer of them. */
const isNear = ({ apiRoot }: Client): boolean =>
  /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(new URL(apiRoot).hostname);

/** Nothing has this id. */
const nilUuid = '00000000-0000-0000-0000-000000000000';

/** How to send an archive to the server: plain where it is near and knows plain archives (a 1.6 server does not). */
export async function uploadType(client: Client): Promise<ArchiveType> {
  const version = isNear(client) ? await client.getVersion() : undefined;
  // An upload can't be sent twice: a small request finds out before it whether, and how, the server answers.
  if (version === undefined) await client.getData(nilUuid);
  // Another implementation may have a version of another shape.
  return version?.contentTypes?.includes(archiveTypes.tar) ? archiveTypes.tar : archiveTypes.tarGzip;
}

/** How to ask for an archive that is unpacked here, the preferred way first. */
export const downloadTypes = (client: Client): ArchiveType[] =>
  isNear(client) ? [archiveTypes.tar, archiveTypes.tarGzip] : [archiveTypes.tarGzip];
