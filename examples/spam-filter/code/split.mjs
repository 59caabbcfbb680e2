// Deals the mails of one batch into a training set and a test set.
//
// A mail's own bytes decide where it goes: about one in five is a test mail, always the same ones, whatever they are
// called and in whichever batch they come. So no model is ever tested on a mail that another one was trained on.
//
// Usage: node split.mjs MAILS TRAIN TEST     (each a directory with ham/ and spam/)
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [mails, train, test] = process.argv.slice(2);
if (test === undefined) fail('usage: node split.mjs MAILS TRAIN TEST');

for (const label of ['ham', 'spam']) {
  if (!existsSync(join(mails, label)))
    fail(`${mails} has no directory ${label}/; put the ${label} mails there`);
  for (const set of [train, test]) mkdirSync(join(set, label), { recursive: true });

  const count = { train: 0, test: 0 };
  for (const name of readdirSync(join(mails, label)).sort()) {
    const mail = readFileSync(join(mails, label, name));
    const isTest = isTestMail(mail);
    count[isTest ? 'test' : 'train'] += 1;
    writeFileSync(join(isTest ? test : train, label, name), mail);
  }
  if (count.train === 0 || count.test === 0)
    fail(`too few ${label} mails to split: ${count.train + count.test}`);
  console.log(`${label}: ${count.train} mails to train with, ${count.test} to test with`);
}

/** The first byte of a mail's SHA-256 is below 51 for one mail in five. */
function isTestMail(mail) {
  return createHash('sha256').update(mail).digest()[0] < 51;
}

function fail(message) {
  console.error(`split.mjs: ${message}`);
  process.exit(1);
}
