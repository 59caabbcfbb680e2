import { createHash } from 'node:crypto';
import { readable } from '@knitfab/api';
import { Invalid } from '@knitfab/core';
import type { z } from 'zod';

/** The JSON documents of an image archive by their paths. */
export class Documents {
  readonly #files: ReadonlyMap<string, Buffer>;

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = files;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /**
   * A document, checked. One whose name is a digest must have it.
   * @throws {Invalid} when it is missing, or is not what it should be
   */
  read<Shape extends z.ZodType>(path: string, shape: Shape): z.output<Shape> {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      throw new Invalid({
        reason: `the archive lacks ${path}, or what it holds there is no JSON document`,
        advice: 'Is the archive whole? Save the image again.',
      });
    }
    checkDigest(path, bytes);
    const result = shape.safeParse(parsed(path, bytes));
    if (result.success) return result.data;
    throw new Invalid({ reason: `${path}: ${readable(result.error).reason}`, cause: result.error });
  }
}

/** Where a blob lies in an OCI layout. Only SHA-256 is in use. */
export function blobPath(digest: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return `blobs/sha256/${digest.slice('sha256:'.length)}`;
  throw new Invalid(`the archive refers to the digest "${digest.slice(0, 100)}", which is no SHA-256`);
}

/** `blobs/sha256/HEX`, and `HEX.json` or `sha256:HEX` as archives for Docker have it. */
const digestName = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/;

function checkDigest(path: string, bytes: Buffer): void {
  const expected = digestName.exec(path)?.[1];
  if (expected === undefined) return;
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === expected) return;
  throw new Invalid({
    reason: `the archive is damaged: ${path} has the digest ${found}`,
    advice: 'Save the image again.',
  });
}

function parsed(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Invalid({ reason: `${path} is not JSON: ${(error as Error).message}`, cause: error });
  }
}
