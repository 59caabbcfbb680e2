import { createHash } from 'node:crypto';

/** A stream of bytes that is digested while it passes. */
export interface Digested {
  readonly chunks: AsyncIterable<Buffer>;
  /** The MD5 of what has passed so far, in hex: after the end that of the whole body, as the trailer `x-checksum-md5` has it. */
  md5(): string;
}

/** Digests the bytes of a body while they pass (spec page 2: the trailer is the MD5 of the body as it is sent). */
export function digestOf(body: AsyncIterable<Buffer>): Digested {
  const hash = createHash('md5');
  async function* pass(): AsyncGenerator<Buffer, void> {
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
  }
  return { chunks: pass(), md5: () => hash.copy().digest('hex') };
}
