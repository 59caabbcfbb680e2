const headerBytes = 8;

/**
 * Reads a stream of stdout and stderr in frames (Docker Engine API, "Attach to a container", "Stream format"): a header of 8 bytes,
 * of which the last four are the length of the content that follows.
 */
export class FrameDecoder {
  #header: Buffer = Buffer.alloc(0);
  #left = 0;

  /** @returns the contents of frames in a chunk, which may begin and end anywhere */
  *decode(chunk: Buffer): Generator<Buffer, void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const content = rest.subarray(0, this.#left);
        this.#left -= content.length;
        rest = rest.subarray(content.length);
        yield content;
      } else {
        const missing = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < headerBytes) return;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
      }
    }
  }
}
