// Trains a model, one weight for each pixel and digit (softmax regression): train.mjs IMAGES PARAMETERS MODEL
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digits, pixels, readImages } from './images.mjs';
import { probabilities } from './model.mjs';

const [source, parameters, target] = process.argv.slice(2);
const { rounds, rate, decay } = JSON.parse(readFileSync(join(parameters, 'params.json'), 'utf8'));
const images = shuffled(readImages(source));
const weights = digits.map(() => new Float64Array(pixels + 1));
for (let round = 1; round <= rounds; round++) {
  let loss = 0;
  for (const { digit, image } of images) {
    const guess = probabilities(weights, image);
    loss -= Math.log(Math.max(guess[digit], 1e-12));
    for (const each of digits) {
      const error = guess[each] - (each === digit ? 1 : 0);
      const own = weights[each];
      for (let pixel = 0; pixel < pixels; pixel++)
        own[pixel] -= rate * ((error * image[pixel]) / 255 + decay * own[pixel]);
      own[pixels] -= rate * error;
    }
  }
  console.log(`round ${round} of ${rounds}: loss ${(loss / images.length).toFixed(4)}`);
}
const rounded = weights.map((own) => Array.from(own, (weight) => Number(weight.toFixed(5))));
writeFileSync(join(target, 'model.json'), JSON.stringify({ weights: rounded }));

/** Always in the same order: the same images make the same model. */
function shuffled(list) {
  let state = 1;
  const next = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return list
    .map((each) => ({ each, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ each }) => each);
}
