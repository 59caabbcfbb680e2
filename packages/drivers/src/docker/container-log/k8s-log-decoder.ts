const newline = 0x0a;
const space = 0x20;
/** ` stdout ` */
const streamLength = 8;
const full = 'F'.charCodeAt(0);
const empty = Buffer.alloc(0);

/**
 * Reads the format in which Podman's conmon and Kubernetes write logs (CRI, "Container Logging"): lines of
 * `TIME stdout|stderr F|P CONTENT`, where P stands for a piece of a line that goes on. It gives back the bytes as they were written.
 */
export class K8sLogDecoder {
  #rest: Buffer = empty;
  #timeLength = 0;

  /** @returns what the container has written with the lines that are complete by now */
  decode(chunk: Buffer): Buffer {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const output = Buffer.allocUnsafe(input.length);
    let written = 0;
    let start = 0;
    for (let end = input.indexOf(newline); end !== -1; end = input.indexOf(newline, start)) {
      const tag = this.#tagOf(input, start);
      const isFull = input[tag] === full;
      written += input.copy(output, written, tag + 2, isFull ? end + 1 : end);
      start = end + 1;
    }
    this.#rest = Buffer.from(input.subarray(start));
    return output.subarray(0, written);
  }

  /** Where the tag of a line is. All times of a file are of one length, and so are both names of streams. */
  #tagOf(line: Buffer, start: number): number {
    const expected = start + this.#timeLength + streamLength;
    if (line[expected - 1] === space && line[start + this.#timeLength] === space) return expected;
    const timeEnd = line.indexOf(space, start);
    this.#timeLength = timeEnd - start;
    return line.indexOf(space, timeEnd + 1) + 1;
  }
}
