import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../src/docker/container-log/frame-decoder.ts';
import { K8sLogDecoder } from '../../src/docker/container-log/k8s-log-decoder.ts';

/** What a container writes, piece by piece: any bytes, with line breaks among them. */
const written = fc.array(
  fc.record({
    stream: fc.constantFrom('stdout', 'stderr'),
    content: fc
      .array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x0a, 0x20)), {
        minLength: 1,
        maxLength: 30,
      })
      .map((bytes) => Buffer.from(bytes)),
  }),
);

/** A stream in pieces that end anywhere. */
function pieces(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const result: Buffer[] = [];
  let start = 0;
  for (let index = 0; start < stream.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    result.push(stream.subarray(start, start + size));
    start += size;
  }
  return result;
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
const all = (list: readonly { content: Buffer }[]) => Buffer.concat(list.map(({ content }) => content));

/** As conmon writes it: each line on a line of its own, what is not a whole line marked P. */
function asK8sLog(list: readonly { stream: string; content: Buffer }[]): Buffer {
  const time = '2026-11-22T21:51:22.745344856+00:00';
  const lines = list.flatMap(({ stream, content }) => {
    const parts = content.toString('latin1').split(/(?<=\n)/);
    return parts.map((part) => `${time} ${stream} ${part.endsWith('\n') ? `F ${part}` : `P ${part}\n`}`);
  });
  return Buffer.from(lines.join(''), 'latin1');
}

function asFrames(list: readonly { stream: string; content: Buffer }[]): Buffer {
  return Buffer.concat(
    list.flatMap(({ stream, content }) => {
      const header = Buffer.from([stream === 'stdout' ? 1 : 2, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(content.length, 4);
      return [header, content];
    }),
  );
}

describe('a log that the engine has kept', () => {
  it('comes out of Podman’s file as it was written, to the byte, however it is read', () => {
    fc.assert(
      fc.property(written, sizes, (list, cuts) => {
        const decoder = new K8sLogDecoder();
        const read = pieces(asK8sLog(list), cuts).map((piece) => decoder.decode(piece));
        expect(Buffer.concat(read)).toEqual(all(list));
      }),
    );
  });

  it('comes out of Docker’s frames as it was written, to the byte, however it is read', () => {
    fc.assert(
      fc.property(written, sizes, (list, cuts) => {
        const decoder = new FrameDecoder();
        const read = pieces(asFrames(list), cuts).flatMap((piece) => [...decoder.decode(piece)]);
        expect(Buffer.concat(read)).toEqual(all(list));
      }),
    );
  });
});
