import { Invalid } from '@knitfab/core';
import { Parser, type ReadEntry } from 'tar';
import { decompressed } from './decompress.ts';
import { Documents } from './documents.ts';

/** Manifests and configurations are some kilobytes; registries allow 4 MiB. */
const maxDocument = 4 * 1024 * 1024;
/** What all documents of an archive may take, in bytes, with something for each for its name. */
const maxDocuments = 64 * 1024 * 1024;
const nameCost = 512;

/**
 * Reads the JSON documents out of an image archive, a tar stream that may be compressed with gzip or zstd. What leads to
 * what is known only at the end (manifest.json comes last), so each small entry that begins as JSON does is kept, and all
 * else, the layers, is passed over.
 * @throws {Invalid} when it is no tar archive, is damaged, or holds more documents than any image has
 */
export async function readDocuments(stream: AsyncIterable<Buffer>): Promise<Documents> {
  const kept = new Map<string, Buffer>();
  let cost = 0;
  let problem: Invalid | undefined;
  const refuse = (reason: string, advice?: string) => {
    problem ??= new Invalid({ reason, ...(advice !== undefined && { advice }) });
  };
  const keep = (path: string, bytes: Buffer) => {
    cost += bytes.length + nameCost;
    if (cost > maxDocuments) refuse(`the archive holds more than ${maxDocuments} bytes of JSON documents`);
    else if (kept.get(path)?.equals(bytes) === false)
      refuse(`the archive holds ${JSON.stringify(path)} twice`);
    else kept.set(path, bytes);
  };
  const parser = new Parser({
    onReadEntry: (entry) => collect(entry, keep, refuse),
    onwarn: (code, message) => {
      if (refusedWarnings.has(code)) refuse(`this is no tar archive, or it is damaged: ${message}`, advice);
    },
  });
  for await (const chunk of decompressed(stream)) {
    if (!parser.write(chunk)) await new Promise<void>((resolve) => parser.once('drain', () => resolve()));
    if (problem) throw problem;
  }
  await new Promise<void>((resolve) => parser.once('end', () => resolve()).end());
  if (problem) throw problem;
  return new Documents(kept);
}

const advice = 'Give what `docker save`, `podman save` or `skopeo copy … oci-archive:FILE` writes, whole.';

const refusedWarnings = new Set(['TAR_BAD_ARCHIVE', 'TAR_ENTRY_INVALID', 'TAR_ENTRY_ERROR', 'TAR_ABORT']);

function collect(
  entry: ReadEntry,
  keep: (path: string, bytes: Buffer) => void,
  refuse: (reason: string) => void,
): void {
  const path = entry.path.replace(/^(\.\/)+/, '');
  if (entry.type !== 'File' && entry.type !== 'OldFile' && entry.type !== 'ContiguousFile') {
    entry.resume();
    return;
  }
  if (entry.size > maxDocument) {
    if (wellKnown.test(path)) refuse(`${path} has ${entry.size} bytes; at most ${maxDocument} make sense`);
    entry.resume();
    return;
  }
  const chunks: Buffer[] = [];
  let isJson: boolean | undefined;
  entry.on('data', (chunk: Buffer) => {
    isJson ??= wellKnown.test(path) || /^\s*[{[]/.test(chunk.toString('latin1', 0, 64));
    if (isJson) chunks.push(Buffer.from(chunk)); // a copy: the chunk it is a part of may hold much more
  });
  entry.on('end', () => {
    if (isJson) keep(path, Buffer.concat(chunks));
  });
}

const wellKnown = /^(manifest\.json|index\.json|[0-9a-f]{64}\.json)$/;
