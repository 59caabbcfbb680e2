// Trains a naive Bayes filter: how much more often is each word in a spam mail than in a ham mail?
//
// PARAMS/params.json:
//   smoothing  what to add to every count (Laplace); small values trust rare words more
//   minMails   leave out words that fewer mails hold
//   headers    whose words to use beside those of the body, such as ["subject", "from"]
//
// Writes model.json: the parameters, how many mails it has learnt from, the prior, and the weight of each word (log of the
// odds for spam).
//
// Usage: node train.mjs FEATURES PARAMS OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [features, params, out] = process.argv.slice(2);
if (out === undefined) fail('usage: node train.mjs FEATURES PARAMS OUT');

const { smoothing, minMails, headers } = readParams(join(params, 'params.json'));
console.log(
  `smoothing ${smoothing}, words of ${minMails} mails or more, headers: ${headers.join(', ') || 'none'}`,
);

const mails = { ham: 0, spam: 0 };
/** For each word the mails that hold it: `{ ham, spam }`. */
const counts = new Map();
for (const line of readFileSync(join(features, 'features.tsv'), 'utf8').split('\n')) {
  if (line === '') continue;
  const [label, , words] = line.split('\t');
  mails[label] += 1;
  for (const word of words.split(' ')) {
    if (!isUsed(word)) continue;
    const count = counts.get(word) ?? { ham: 0, spam: 0 };
    count[label] += 1;
    counts.set(word, count);
  }
}
if (mails.ham === 0 || mails.spam === 0)
  fail(`${features} holds ${mails.ham} ham and ${mails.spam} spam mails; both are needed`);
console.log(`${mails.ham} ham and ${mails.spam} spam mails with ${counts.size} different words`);

const weights = {};
for (const [word, { ham, spam }] of counts) {
  if (ham + spam >= minMails) weights[word] = round(logShare(spam, mails.spam) - logShare(ham, mails.ham));
}
const model = {
  smoothing,
  minMails,
  headers,
  mails,
  prior: round(Math.log(mails.spam / mails.ham)),
  weights,
};
writeFileSync(join(out, 'model.json'), JSON.stringify(model));
console.log(`model.json: ${Object.keys(weights).length} words`);

/** The smoothed share of mails that hold a word, as a logarithm. */
function logShare(withWord, all) {
  return Math.log((withWord + smoothing) / (all + 2 * smoothing));
}

function isUsed(word) {
  const colon = word.indexOf(':');
  return colon < 0 || headers.includes(word.slice(0, colon));
}

function round(number) {
  return Math.round(number * 1e4) / 1e4;
}

function readParams(path) {
  const read = parseJson(path);
  if (!(read.smoothing > 0)) fail(`${path}: "smoothing" has to be a number above 0`);
  if (!(read.minMails >= 1)) fail(`${path}: "minMails" has to be a number from 1 on`);
  if (!Array.isArray(read.headers)) fail(`${path}: "headers" has to be a list, [] for none`);
  return read;
}

function parseJson(path) {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(`${path} is not JSON: ${error.message}`);
  }
}

function fail(message) {
  console.error(`train.mjs: ${message}`);
  process.exit(1);
}
