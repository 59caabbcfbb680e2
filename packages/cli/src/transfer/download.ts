import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client, Download } from '@knitfab/api';
import {
  archiveTypes,
  decodeBody,
  digestOf,
  emptyTree,
  type OutwardLink,
  unpackTree,
} from '@knitfab/archive';
import { Unavailable } from '@knitfab/core';
import { interrupted } from '../interrupt.ts';
import { note } from '../output/print.ts';
import { downloadTypes } from './archive-type.ts';
import type { Progress } from './progress.ts';

/** So many links that lead out of a tree are named. */
const mostNamed = 10;

/** Downloads a Data as a gzipped tar archive to a stream, such as stdout. */
export async function downloadTo(
  stream: NodeJS.WritableStream,
  client: Client,
  knitId: string,
  progress: Progress,
): Promise<void> {
  const download = await client.downloadData(knitId, { accept: [archiveTypes.tarGzip] });
  await pipeline(verified(download, progress), stream, { end: false, signal: interrupted });
}

/** Downloads a Data as a gzipped tar archive to a file: the whole file, or none. */
export async function downloadFile(
  file: string,
  client: Client,
  knitId: string,
  progress: Progress,
): Promise<void> {
  const temporary = temporaryBeside(file);
  try {
    const download = await client.downloadData(knitId, { accept: [archiveTypes.tarGzip] });
    await pipeline(verified(download, progress), createWriteStream(temporary, { flags: 'wx' }), {
      signal: interrupted,
    });
    if (download.checksum() === undefined) await checkWhole(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Downloads a Data's tree to a directory that does not exist yet: the whole tree, or none. */
export async function downloadTree(
  directory: string,
  client: Client,
  knitId: string,
  progress: Progress,
): Promise<void> {
  const download = await client.downloadData(knitId, { accept: downloadTypes(client) });
  const tar = decodeBody(verified(download, progress), archiveTypeOf(download));
  const temporary = temporaryBeside(directory);
  await mkdir(temporary);
  try {
    let outward: readonly OutwardLink[] = [];
    const onOutwardLinks = (links: readonly OutwardLink[]) => {
      outward = links;
    };
    await unpackTree(tar, temporary, {
      links: 'any',
      onOutwardLinks,
      durable: false,
      mayBlock: true,
      signal: interrupted,
    });
    await rename(temporary, directory);
    warnOf(outward, directory);
  } catch (error) {
    await emptyTree(temporary);
    await rmdir(temporary);
    throw error;
  }
}

/** Whatever a server calls its archives: gzip is what all of them send (spec page 2), unless they were asked for another type. */
function archiveTypeOf({ contentType }: Download): string {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return ([archiveTypes.tar, archiveTypes.tarZstd] as string[]).includes(type) ? type : archiveTypes.tarGzip;
}

/** What a Run has made may hold links to its inputs, or to anything: here they lead elsewhere, or nowhere. */
function warnOf(links: readonly OutwardLink[], directory: string): void {
  if (links.length === 0) return;
  const named = links.slice(0, mostNamed).map(({ path, target }) => `  ${path} -> ${target}`);
  const more = links.length > mostNamed ? [`  … and ${links.length - mostNamed} more`] : [];
  const what = links.length === 1 ? 'a symbolic link leads' : `${links.length} symbolic links lead`;
  note([`knit: warning: ${what} out of ${directory}:`, ...named, ...more].join('\n'));
}

/**
 * Reads an archive that came without a checksum once more: gzip has one of its own.
 * @throws {Invalid} when it is damaged or cut off
 */
async function checkWhole(file: string): Promise<void> {
  for await (const _ of decodeBody(createReadStream(file), archiveTypes.tarGzip))
    interrupted.throwIfAborted();
}

/** A hidden name in the same directory, so that renaming it is one step. */
const temporaryBeside = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);

/**
 * The bytes of a download, counted and checked.
 * @throws {Unavailable} at the end when they are not those that the server sent
 */
async function* verified(download: Download, progress: Progress): AsyncGenerator<Buffer, void> {
  const digested = download.mayHaveChecksum ? digestOf(download.stream) : undefined;
  for await (const chunk of digested?.chunks ?? download.stream) {
    progress.bytes(chunk.length);
    yield chunk;
  }
  const [expected, received] = [download.checksum(), digested?.md5()];
  if (expected !== undefined && received !== undefined && expected.toLowerCase() !== received) {
    throw new Unavailable({
      reason: `the archive was damaged on its way: its MD5 is ${received}, but the server sent ${expected}`,
      advice: 'Nothing was kept. Try again.',
    });
  }
}
