import { open } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { Invalid, KnitError } from '@knitfab/core';
import { FailedWith, UsageError } from '../exit.ts';
import { interrupted } from '../interrupt.ts';
import { Progress } from '../transfer/progress.ts';
import type { Image } from './image.ts';
import { readImage } from './read-image.ts';

/**
 * Reads an image out of an archive, and shows how it gets on.
 * @param file path of the archive, or `-` for stdin
 * @param wanted `repository:tag` of the image, needed when there are several
 * @throws {Invalid | NotFound} when the archive can't be understood, or does not hold the image
 */
export async function readImageArchive(file: string, wanted: string | undefined): Promise<Image> {
  const place = file === '-' ? 'stdin' : file;
  const stream = file === '-' ? standardInput() : await openArchive(file);
  const progress = new Progress(`reading ${place}`);
  try {
    const image = await readImage(counted(addAbortSignal(interrupted, stream), progress), wanted);
    progress.done(`read the image ${image.image ?? 'without a name'}`);
    return image;
  } catch (error) {
    progress.failed();
    interrupted.throwIfAborted();
    throw error instanceof KnitError ? new FailedWith(place, error) : error;
  }
}

function standardInput(): Readable {
  if (!process.stdin.isTTY) return process.stdin;
  throw new UsageError(nothingToRead('there is no image to look at: stdin is this terminal'));
}

async function openArchive(file: string): Promise<Readable> {
  const handle = await open(file);
  if (!(await handle.stat()).isDirectory()) return handle.createReadStream();
  await handle.close();
  throw new Invalid({
    reason: `${file} is a directory`,
    advice: `When it is an image in the OCI layout: tar c -C ${file} . | knit plan template`,
  });
}

async function* counted(stream: Readable, progress: Progress): AsyncGenerator<Buffer, void> {
  let empty = true;
  for await (const chunk of stream) {
    empty = false;
    progress.bytes(chunk.length);
    yield chunk;
  }
  if (empty) throw new UsageError(nothingToRead('there is no image to look at: the archive is empty'));
}

const nothingToRead = (what: string): string => `${what}.
  Hand it over:        docker save IMAGE:TAG | knit plan template > plan.yaml
  or name an archive:  knit plan template -i image.tar > plan.yaml
  or let it be found:  knit plan template IMAGE:TAG > plan.yaml   (in Docker or Podman)
  or begin blank:      knit plan template --scratch > plan.yaml`;
