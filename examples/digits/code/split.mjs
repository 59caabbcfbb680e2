// Keeps one image in five for tests: split.mjs IMAGES TRAIN TEST
import { createHash } from 'node:crypto';
import { readImages, writeImages } from './images.mjs';

const [source, train, test] = process.argv.slice(2);
const images = readImages(source);
// An image's own bytes decide, so that the same image is never in both.
const isForTest = ({ image }) => (createHash('sha256').update(image).digest()[0] ?? 0) < 256 / 5;
const forTest = images.filter(isForTest);
writeImages(test, forTest);
writeImages(
  train,
  images.filter((each) => !isForTest(each)),
);
console.log(`${images.length - forTest.length} images to train with, ${forTest.length} to test with`);
