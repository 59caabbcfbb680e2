import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client, Download } from '@knitfab/api';
import { archiveTypes, decodeBody, digestOf, emptyTree, unpackTree } from '@knitfab/archive';
import { Unavailable } from '@knitfab/core';
import { interrupted } from '../interrupt.ts';
import { downloadTypes } from './archive-type.ts';
import type { Progress } from './progress.ts';

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
  const tar = decodeBody(verified(download, progress), download.contentType);
  const temporary = temporaryBeside(directory);
  await mkdir(temporary);
  try {
    await unpackTree(tar, temporary, { links: 'any', durable: false, signal: interrupted });
    await rename(temporary, directory);
  } catch (error) {
    await emptyTree(temporary);
    await rmdir(temporary);
    throw error;
  }
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
