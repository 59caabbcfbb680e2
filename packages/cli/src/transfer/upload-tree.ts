import type { ArchiveType, Client, DataDetail } from '@knitfab/api';
import { archiveTypes, encodeBody, giveBack, measureTree, packTree } from '@knitfab/archive';
import { interrupted } from '../interrupt.ts';
import { Progress } from './progress.ts';
import { namingUnreadable } from './unreadable-files.ts';

/**
 * Uploads a directory tree as a new Data, and shows how it gets on.
 * @throws {NotFound | Invalid} when the tree can't be packed, naming the file; {ServerError} when the server refuses it
 */
export async function uploadTree(
  client: Client,
  source: string,
  { type, dereference }: { type: ArchiveType; dereference: boolean },
): Promise<DataDetail> {
  const size = process.stderr.isTTY
    ? await measureTree(source, { dereference, signal: interrupted })
    : undefined;
  const progress = new Progress(source, size?.bytes);
  const tar = packTree(source, {
    dereference,
    onEntry: ({ path }) => progress.file(path),
    onBytes: (count) => progress.bytes(count),
    signal: interrupted,
  });
  const body = encodeBody(tar, type);
  try {
    const data = await client.uploadData(body, {
      contentType: type,
      checksum: type === archiveTypes.tarGzip,
      onSent: giveBack,
    });
    progress.done(`pushed ${source} as ${data.knitId}`);
    return data;
  } catch (error) {
    progress.failed();
    throw await namingUnreadable(error, source, dereference);
  } finally {
    tar.destroy();
  }
}
