import { pixels } from './images.mjs';

/** How probable each digit is for an image. */
export function probabilities(weights, image) {
  const scores = weights.map((own) => {
    let score = own[pixels];
    for (let pixel = 0; pixel < pixels; pixel++) score += (own[pixel] * image[pixel]) / 255;
    return score;
  });
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((all, each) => all + each, 0);
  return powers.map((power) => power / sum);
}
