// Says how many images a model judges right: evaluate.mjs MODEL IMAGES METRICS
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digits, readImages } from './images.mjs';
import { probabilities } from './model.mjs';

const [model, source, target] = process.argv.slice(2);
const { weights } = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
const images = readImages(source);
const right = digits.map(() => 0);
for (const { digit, image } of images) {
  const guess = probabilities(weights, image);
  if (guess.indexOf(Math.max(...guess)) === digit) right[digit]++;
}
const sum = right.reduce((all, each) => all + each, 0);
const metrics = { images: images.length, right: sum, accuracy: Number((sum / images.length).toFixed(4)) };
writeFileSync(join(target, 'metrics.json'), `${JSON.stringify(metrics)}\n`);
console.log(JSON.stringify(metrics));
