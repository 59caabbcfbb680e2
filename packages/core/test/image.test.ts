import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatImage, parseImage } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

describe('the name of an image', () => {
  test.each([
    ['ubuntu', 'ubuntu', 'latest'],
    ['ubuntu:22.04', 'ubuntu', '22.04'],
    ['team/train:v1', 'team/train', 'v1'],
    ['registry.example.com/team/train:v1', 'registry.example.com/team/train', 'v1'],
    ['localhost:5000/train', 'localhost:5000/train', 'latest'],
    ['localhost:5000/train:v1', 'localhost:5000/train', 'v1'],
    ['192.168.0.1:5000/a/b/c:d', '192.168.0.1:5000/a/b/c', 'd'],
    ['[::1]:5000/train:v1', '[::1]:5000/train', 'v1'],
    ['Registry.Example.com/train:V1', 'Registry.Example.com/train', 'V1'],
    ['a__b/c-d/e.f---g_h:_x.y-z', 'a__b/c-d/e.f---g_h', '_x.y-z'],
    ['host:5000', 'host', '5000'],
    [`a:${'t'.repeat(128)}`, 'a', 't'.repeat(128)],
    [`${'r'.repeat(255)}:t`, 'r'.repeat(255), 't'],
  ])('%s is the repository %s and the tag %s', (text, repository, tag) => {
    expect(parseImage(text)).toEqual({ repository, tag });
  });

  test.each([
    ...[
      '',
      ' ',
      'ubuntu ',
      ' ubuntu',
      'ubuntu:',
      ':v1',
      'ubuntu:v1:v2',
      'ubuntu:-v1',
      'ubuntu:.v1',
      'ubuntu:v 1',
    ],
    ...[
      'Ubuntu',
      'team/Train',
      'host:5000/Train',
      'team//train',
      '/train',
      'team/',
      'a___b',
      'a._b',
      '-a',
      'a-',
    ],
    ...[
      'host:port/train',
      'host:123456/train',
      'https://example.com/train',
      'train\n',
      'トレイン',
      'knit#uploaded',
    ],
    `ubuntu@sha256:${'0'.repeat(64)}`,
    `ubuntu:22.04@sha256:${'0'.repeat(64)}`,
    `a:${'t'.repeat(129)}`,
    'r'.repeat(256),
    `${'-'.repeat(100_000)}a`,
  ])('%j is none', (text) => {
    expectInvalid(() => parseImage(text), /is not the name of an image$/);
  });

  test('what was written is read back', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,9}$/);
    const repository = fc
      .array(fc.array(word, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .chain((parts) =>
        fc
          .constantFrom('.', '_', '__', '-', '--')
          .map((by) => parts.map((words) => words.join(by)).join('/')),
      );
    const host = fc.constantFrom('', 'localhost/', 'localhost:5000/', 'registry.example.com/', 'a.b:80/');
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
    fc.assert(
      fc.property(host, repository, tag, (host, repository, tag) => {
        const image = { repository: `${host}${repository}`, tag };
        expect(parseImage(formatImage(image))).toEqual(image);
      }),
    );
  });
});
