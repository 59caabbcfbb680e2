import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Pixels of an image: 28 × 28, a byte each. */
export const pixels = 28 * 28;
export const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The images of a directory: `N.bin` holds those of the digit N, one after the other. */
export function readImages(directory) {
  const found = readdirSync(directory).filter((name) => /^\d\.bin$/.test(name));
  if (found.length === 0) throw new Error(`${directory} holds no images of digits (N.bin)`);
  return found.flatMap((name) => {
    const bytes = readFileSync(join(directory, name));
    const count = Math.floor(bytes.length / pixels);
    return Array.from({ length: count }, (_, index) => ({
      digit: Number(name[0]),
      image: bytes.subarray(index * pixels, (index + 1) * pixels),
    }));
  });
}

export function writeImages(directory, images) {
  for (const digit of digits) {
    const own = images.filter((each) => each.digit === digit).map(({ image }) => image);
    writeFileSync(join(directory, `${digit}.bin`), Buffer.concat(own));
  }
}
