import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkedTag,
  compareTags,
  formatTag,
  inputTagSet,
  maxTagKeyLength,
  maxTagValueBytes,
  parseTag,
  type Tag,
  tagSet,
  userTagSet,
} from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

const id = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
const isPrintable = (text: string) => !/[\p{Cc}\p{Cs}]/u.test(text);
const value = fc.string({ unit: 'binary' }).filter(isPrintable);
const key = value.filter((text) => text !== '' && !text.includes(':'));
const tag = fc.record({ key, value });

describe('reading key:value', () => {
  test.each([
    ['type:raw', 'type', 'raw'],
    ['  type : raw  ', 'type', 'raw'],
    ['url:http://example.com:80/', 'url', 'http://example.com:80/'],
    ['\ttype\u3000:\nraw\n', 'type', 'raw'],
    ['empty:', 'empty', ''],
    ['two words: and more ', 'two words', 'and more'],
    ['種類:画像 🖼', '種類', '画像 🖼'],
  ])('%j has the key %j and the value %j', (text, key, value) => {
    expect(parseTag(text)).toEqual({ key, value });
  });

  test.each(['', 'type', ':raw', '  :raw', ' : '])('%j is no tag', (text) => {
    expectInvalid(() => parseTag(text));
  });

  test('the key ends at the first colon, whatever follows it', () => {
    fc.assert(
      fc.property(key, value, (key, value) => {
        fc.pre(key.trim() !== '');
        expect(parseTag(`${key}:${value}`)).toEqual({ key: key.trim(), value: value.trim() });
      }),
    );
  });

  test('what was written is read back', () => {
    fc.assert(
      fc.property(tag, ({ key, value }) => {
        fc.pre(key.trim() !== '');
        const trimmed = { key: key.trim(), value: value.trim() };
        expect(parseTag(formatTag(trimmed))).toEqual(trimmed);
      }),
    );
  });
});

describe('a tag given as an object', () => {
  test('keeps its white space', () => {
    expect(checkedTag({ key: ' a ', value: ' b ' })).toEqual({ key: ' a ', value: ' b ' });
  });

  test('has no colon in its key, and a key', () => {
    expectInvalid(() => checkedTag({ key: 'a:b', value: '' }), /holds a ":"/);
    expectInvalid(() => checkedTag({ key: '', value: 'b' }), /empty key/);
  });

  test.each(['\0', '\t', '\n', '\x1f', '\x7f', '\x80', '\x9f', '\ud800', '\udc00'])('holds no %j', (bad) => {
    expectInvalid(() => checkedTag({ key: `a${bad}a`, value: 'b' }));
    expectInvalid(() => checkedTag({ key: 'a', value: `b${bad}b` }));
  });

  test('has a key of at most 1,024 characters, however many bytes they take', () => {
    for (const character of ['a', 'é', '🖼']) {
      const longest = character.repeat(maxTagKeyLength);
      expect(checkedTag({ key: longest, value: '' }).key).toBe(longest);
      expectInvalid(() => checkedTag({ key: `${longest}a`, value: '' }), /longer than 1024 characters/);
    }
  });

  test('has a value of at most 1 MiB of UTF-8', () => {
    for (const character of ['a', 'é', '🖼']) {
      const largest = character.repeat(maxTagValueBytes / new TextEncoder().encode(character).length);
      expect(checkedTag({ key: 'a', value: largest }).value).toBe(largest);
      expectInvalid(() => checkedTag({ key: 'a', value: `${largest}a` }), /larger than 1 MiB/);
    }
  });

  test('is told shortened when it is long', () => {
    expectInvalid(() => parseTag('x'.repeat(5000)), /^.{0,150}$/);
  });
});

describe('a set of tags', () => {
  test('is the same whatever the order and however often each is named', () => {
    fc.assert(
      fc.property(fc.array(tag), (tags) => {
        const again = tagSet([...tags, ...tags].reverse());
        expect(again).toEqual(tagSet(tags));
        expect(new Set(again.map(formatTag))).toEqual(new Set(tags.map(formatTag)));
      }),
    );
  });

  test('is sorted by the written form', () => {
    fc.assert(
      fc.property(fc.array(tag), (tags) => {
        const written = tagSet(tags).map(formatTag);
        expect(written).toEqual([...written].sort());
      }),
    );
  });

  test('tells tags apart that differ in key or value', () => {
    fc.assert(
      fc.property(tag, tag, (a, b) => {
        expect(compareTags(a, b) === 0).toBe(a.key === b.key && a.value === b.value);
      }),
    );
  });
});

describe('system tags', () => {
  const named = (...keys: string[]): Tag[] => keys.map((key) => ({ key, value: 'x' }));

  test.each(['knit#id', 'knit#timestamp', 'knit#transient', 'knit#', 'knit#mine'])(
    'outputs take no %s',
    (key) => {
      expectInvalid(
        () => userTagSet(named('type', key), 'the output /out'),
        /^the output \/out names the system/,
      );
    },
  );

  test('keys that only look like it are tags of users', () => {
    expect(userTagSet(named('Knit#id', 'knit', 'knit_id', 'my-knit#id'), 'the output')).toHaveLength(4);
  });

  test.each(['knit#transient', 'knit#', 'knit#mine'])('an input may not ask for %s', (key) => {
    expectInvalid(() => inputTagSet(named(key), 'the input /in'), /^the input \/in names the system tag/);
  });

  test('an input may pin one Data by its id, in either case, and by its timestamp', () => {
    const tags = ['type:raw', `knit#id:${id.toUpperCase()}`, 'knit#timestamp:2024-03-06T18:25:16.5+09:00'];
    expect(inputTagSet(tags.map(parseTag), 'the input').map(formatTag)).toEqual([
      `knit#id:${id}`,
      'knit#timestamp:2024-03-06T09:25:16.500+00:00',
      'type:raw',
    ]);
  });

  test('equal instants are one value, whatever their offsets', () => {
    const tags = ['knit#timestamp:2024-03-06T09:25:16Z', 'knit#timestamp:2024-03-06T18:25:16.000+09:00'];
    expect(inputTagSet(tags.map(parseTag), 'the input')).toHaveLength(1);
  });

  test.each([
    ['two ids', [`knit#id:${id}`, 'knit#id:00000000-0000-4000-8000-000000000000']],
    ['two instants', ['knit#timestamp:2024-03-06T09:25:16Z', 'knit#timestamp:2024-03-06T09:25:17Z']],
  ])('an input may not ask for %s', (_, tags) => {
    expectInvalid(() => inputTagSet(tags.map(parseTag), 'the input'), /asks for two values of knit#/);
  });

  test.each(['knit#id:7', 'knit#id:', 'knit#timestamp:yesterday', 'knit#timestamp:2024-02-30T00:00:00Z'])(
    '%s is refused where it is read',
    (text) => {
      expectInvalid(() => inputTagSet([parseTag(text)], 'the input'));
    },
  );
});
