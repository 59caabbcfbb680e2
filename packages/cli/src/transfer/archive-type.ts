import type { ArchiveType, Client } from '@knitfab/api';
import { archiveTypes } from '@knitfab/archive';

/** Whether the server is on this machine, where bytes travel faster than any compression makes fewer of them. */
const isNear = ({ apiRoot }: Client): boolean =>
  /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(new URL(apiRoot).hostname);

/** What is better than gzip. */
const preferred = (client: Client): ArchiveType => (isNear(client) ? archiveTypes.tar : archiveTypes.tarZstd);

/** Nothing has this id. */
const nilUuid = '00000000-0000-0000-0000-000000000000';

/** How to send an archive to the server: as is best where the server knows that (a 1.6 server does not). */
export async function uploadType(client: Client): Promise<ArchiveType> {
  const version = await client.getVersion();
  // An upload can't be sent twice: a small request finds out before it whether, and how, the server answers.
  if (version === undefined) await client.getData(nilUuid);
  const type = preferred(client);
  // Another implementation may have a version of another shape.
  return version?.contentTypes?.includes(type) ? type : archiveTypes.tarGzip;
}

/** How to ask for an archive that is unpacked here, the preferred way first. */
export const downloadTypes = (client: Client): ArchiveType[] => [preferred(client), archiveTypes.tarGzip];
