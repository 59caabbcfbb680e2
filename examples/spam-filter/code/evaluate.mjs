// Lets a model judge test mails that it has never seen.
//
// Writes metrics.json (accuracy, precision, recall, confusion; spam is the positive class; how the model was made) and
// mistakes.txt, the mails that it got wrong with their scores.
//
// Usage: node evaluate.mjs MODEL FEATURES OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [modelDirectory, features, out] = process.argv.slice(2);
if (out === undefined) fail('usage: node evaluate.mjs MODEL FEATURES OUT');

const { weights, prior, ...model } = JSON.parse(readFileSync(join(modelDirectory, 'model.json'), 'utf8'));
const weightOf = new Map(Object.entries(weights));

const confusion = { spamAsSpam: 0, spamAsHam: 0, hamAsSpam: 0, hamAsHam: 0 };
const mistakes = [];
for (const line of readFileSync(join(features, 'features.tsv'), 'utf8').split('\n')) {
  if (line === '') continue;
  const [label, name, words] = line.split('\t');
  const score = words.split(' ').reduce((sum, word) => sum + (weightOf.get(word) ?? 0), prior);
  const verdict = score > 0 ? 'spam' : 'ham';
  confusion[`${label}As${verdict === 'spam' ? 'Spam' : 'Ham'}`] += 1;
  if (verdict !== label) mistakes.push(`${label}/${name} looks like ${verdict}, score ${score.toFixed(1)}`);
}

const { spamAsSpam, spamAsHam, hamAsSpam, hamAsHam } = confusion;
const mails = spamAsSpam + spamAsHam + hamAsSpam + hamAsHam;
if (mails === 0) fail(`${features} holds no mails`);
const metrics = {
  mails,
  accuracy: share(spamAsSpam + hamAsHam, mails),
  precision: share(spamAsSpam, spamAsSpam + hamAsSpam),
  recall: share(spamAsSpam, spamAsSpam + spamAsHam),
  confusion,
  model,
};
writeFileSync(join(out, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`);
writeFileSync(join(out, 'mistakes.txt'), mistakes.map((mistake) => `${mistake}\n`).join(''));

const { smoothing, minMails, headers, mails: learnt } = model;
const wrong = `${mistakes.length} of ${mails} test mails judged wrongly`;
console.log(`smoothing ${smoothing}, minMails ${minMails}, headers ${headers.join(', ') || 'none'}`);
console.log(
  `  learnt from ${learnt.ham} ham and ${learnt.spam} spam; ${wrong}: accuracy ${metrics.accuracy}`,
);

function share(part, whole) {
  return whole === 0 ? 0 : Math.round((part / whole) * 1e4) / 1e4;
}

function fail(message) {
  console.error(`evaluate.mjs: ${message}`);
  process.exit(1);
}
