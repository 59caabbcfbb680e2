import type { ArchiveType, Client } from '@knitfab/api';

// The wire's names for archives, by type only: their module brings the schemas with it.
export const gzippedTar: ArchiveType = 'application/tar+gzip';
export const plainTar: ArchiveType = 'application/x-tar';

/** Whether the server is on this machine, where bytes travel faster than gzip makes fewer of them. */
export const isNear = ({ apiRoot }: Client): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(apiRoot).hostname);

/** How to send an archive to the server: plain where it is near and knows plain archives (a 1.6 server does not). */
export async function uploadType(client: Client): Promise<ArchiveType> {
  if (!isNear(client)) return gzippedTar;
  const version = await client.getVersion();
  return version?.contentTypes.includes(plainTar) ? plainTar : gzippedTar;
}
