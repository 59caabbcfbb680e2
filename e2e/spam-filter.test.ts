import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const code = join(import.meta.dirname, '..', 'examples', 'spam-filter', 'code');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spam filter '));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function run(
  program: string,
  ...args: string[]
): { exitCode: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(code, program), ...args], {
    encoding: 'utf8',
  });
  return { exitCode: status, stdout, stderr };
}

/** Makes directories below the test's own, and gives their paths. */
function directories(...names: string[]): string[] {
  return names.map((name) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  });
}

/** Lays out ham and spam mails by file name. */
function mails(name: string, ham: Record<string, string>, spam: Record<string, string>): string {
  for (const [label, all] of Object.entries({ ham, spam })) {
    const [path = ''] = directories(join(name, label));
    for (const [file, text] of Object.entries(all)) writeFileSync(join(path, file), text);
  }
  return join(directory, name);
}

const numbered = (count: number, text: (i: number) => string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.txt`, text(i)]));

describe('the programs of the spam filter', () => {
  test('a mail goes to the same side of the split whatever it is called and whichever batch it is in', () => {
    const contents = (side: string): string[] =>
      ['ham', 'spam'].flatMap((label) =>
        readdirSync(join(side, label)).map((file) => readFileSync(join(side, label, file), 'utf8')),
      );
    const text = (i: number) => `Subject: ${i}\n\nmail number ${i}`;
    const renamed = Object.fromEntries(
      Object.entries(numbered(60, text)).map(([file, mail]) => [`x${file}`, mail]),
    );
    const [train = '', test = ''] = directories('train', 'test');
    const [otherTrain = '', otherTest = ''] = directories('otherTrain', 'otherTest');

    expect(run('split.mjs', mails('one', numbered(40, text), numbered(40, text)), train, test).exitCode).toBe(
      0,
    );
    expect(run('split.mjs', mails('two', renamed, numbered(40, text)), otherTrain, otherTest).exitCode).toBe(
      0,
    );

    expect(contents(train)).not.toHaveLength(0);
    expect(contents(test)).not.toHaveLength(0);
    expect(contents(train).filter((mail) => contents(otherTest).includes(mail))).toEqual([]);
    expect(contents(test).filter((mail) => contents(otherTrain).includes(mail))).toEqual([]);
  });

  test('features are the different words of body and chosen headers, encodings taken off', () => {
    const [out = ''] = directories('out');
    const source = mails(
      'mails',
      { 'a.txt': 'Subject: Lunch\n today\nReceived: by elsewhere\n\nLunch at noon, lunch =\r\nagain caf=E9' },
      { 'b.txt': `Content-Transfer-Encoding: base64\n\n${Buffer.from('free money!!').toString('base64')}` },
    );
    expect(run('features.mjs', source, out).exitCode).toBe(0);
    expect(readFileSync(join(out, 'features.tsv'), 'utf8')).toBe(
      'ham\ta.txt\tsubject:lunch subject:today lunch noon again café\nspam\tb.txt\tfree money !!\n',
    );
  });

  test('a model trained on clear cases judges new mails right, and says how well', () => {
    const [features = '', params = '', model = '', metrics = ''] = directories(
      'features',
      'params',
      'model',
      'metrics',
    );
    const lines = [
      'ham\ta\tlunch noon',
      'ham\tb\tlunch today',
      'spam\tc\tmoney free',
      'spam\td\tmoney today',
    ];
    writeFileSync(join(features, 'features.tsv'), `${lines.join('\n')}\n`);
    writeFileSync(join(params, 'params.json'), '{ "smoothing": 0.5, "minMails": 1, "headers": [] }');
    expect(run('train.mjs', features, params, model).exitCode).toBe(0);

    const tests = ['ham\te\tlunch', 'spam\tf\tmoney', 'spam\tg\tlunch money free', 'spam\th\tlunch'];
    writeFileSync(join(features, 'features.tsv'), `${tests.join('\n')}\n`);
    expect(run('evaluate.mjs', model, features, metrics).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(metrics, 'metrics.json'), 'utf8'))).toEqual({
      mails: 4,
      accuracy: 0.75,
      precision: 1,
      recall: 0.6667,
      confusion: { spamAsSpam: 2, spamAsHam: 1, hamAsSpam: 0, hamAsHam: 1 },
      model: { smoothing: 0.5, minMails: 1, headers: [], mails: { ham: 2, spam: 2 } },
    });
    expect(readFileSync(join(metrics, 'mistakes.txt'), 'utf8')).toMatch(/^spam\/h looks like ham, score -/);
  });

  test.each([
    ['split.mjs', ['only-one'], 'usage: node split.mjs MAILS TRAIN TEST'],
    ['features.mjs', [], 'usage: node features.mjs MAILS OUT'],
    ['train.mjs', [], 'usage: node train.mjs FEATURES PARAMS OUT'],
    ['evaluate.mjs', [], 'usage: node evaluate.mjs MODEL FEATURES OUT'],
    ['../batches.mjs', [], 'usage: node batches.mjs OUT'],
  ])('%s without its arguments says how to call it', (program, args, usage) => {
    const { exitCode, stderr } = run(program, ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(usage);
  });

  test.each([
    ['{ "smoothing": 0, "minMails": 1, "headers": [] }', '"smoothing" has to be a number above 0'],
    ['{ "smoothing": 1, "headers": [] }', '"minMails" has to be a number from 1 on'],
    ['{ "smoothing": 1, "minMails": 1 }', '"headers" has to be a list'],
    ['{ smoothing: 1 }', 'is not JSON'],
  ])('the parameters %s are refused', (text, message) => {
    const [features = '', params = '', out = ''] = directories('features', 'params', 'out');
    writeFileSync(join(features, 'features.tsv'), 'ham\ta\tlunch\n');
    writeFileSync(join(params, 'params.json'), text);
    const { exitCode, stderr } = run('train.mjs', features, params, out);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
  });

  test('mails that are not sorted into ham/ and spam/ are refused', () => {
    const [source = '', train = '', test = ''] = directories('mails', 'train', 'test');
    const { exitCode, stderr } = run('split.mjs', source, train, test);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has no directory ham/');
  });
});
