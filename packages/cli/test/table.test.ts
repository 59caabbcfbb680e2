import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmless } from '../src/output/harmless.ts';
import { type Column, table } from '../src/output/table.ts';
import { shortened, textWidth, wrapped } from '../src/output/text-width.ts';

describe('the width of a text', () => {
  it.each([
    ['abc', 3],
    ['日本語', 6],
    ['ｶﾅ', 2], // half-width
    ['ＡＢ', 4], // full-width
    ['한국', 4],
    ['e\u0301', 1], // with a combining accent
    ['か\u3099', 2], // decomposed が, as macOS writes file names
    ['👨‍👩‍👧', 2], // one family
    ['🇯🇵', 2],
    ['→é', 2],
  ])('of %s is %i columns', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

const texts = fc.string({ unit: fc.constantFrom('a', '-', ' ', '語', 'か\u3099', '👍'), maxLength: 60 });

describe('wrapping', () => {
  it('keeps to the width and loses no character', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 30 }), (text, width) => {
        const lines = wrapped(text, width);
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
    );
  });

  it('breaks at spaces', () => {
    expect(wrapped('type:raw project:spam', 12)).toEqual(['type:raw', 'project:spam']);
  });
});

it('a shortened text shows that it is, and keeps to the width', () => {
  expect(shortened('日本語', 5)).toBe('日本…');
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 30 }), (text, width) => {
      expect(textWidth(shortened(text, width))).toBeLessThanOrEqual(width);
    }),
  );
});

describe('a table', () => {
  interface Row {
    id: string;
    words: string;
  }
  const columns: Column<Row>[] = [
    { title: 'ID', cell: ({ id }) => id },
    { title: 'WORDS', cell: ({ words }) => words, narrow: 'wrap' },
  ];
  const id = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';

  it('fits the terminal, and never cuts an id', () => {
    const text = table([{ id, words: 'some words that take more room than there is' }], columns, 60);
    expect(text.split('\n').every((line) => textWidth(line) <= 60)).toBe(true);
    expect(text).toContain(id);
    expect(text.split('\n').length).toBeGreaterThan(2);
  });

  it('cuts what need not be read in full', () => {
    const cut: Column<Row>[] = [
      columns[0] as Column<Row>,
      { title: 'WORDS', cell: ({ words }) => words, narrow: 'cut' },
    ];
    const lines = table([{ id, words: 'some words that take more room than there is' }], cut, 60).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/some words .*…$/);
  });

  it('keeps its columns in line, whatever script the cells are in', () => {
    const rows = [
      { id: '日本', words: 'x' },
      { id: 'ab', words: 'x' },
    ];
    const [, first = '', second = ''] = table(rows, columns, 60).split('\n');
    expect(textWidth(first)).toBe(textWidth(second));
  });

  it('obeys no control character in a cell', () => {
    expect(table([{ id: 'a\x1b[2J', words: '\r' }], columns, 60)).toContain('a\\x1b[2J');
    expect(harmless('a\u009bb')).toBe('a\\x9bb');
  });

  it('gives the lines of a cell lines of their own', () => {
    const lines = table([{ id, words: 'a\nb' }], columns, 80).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]?.trim()).toBe('b');
  });
});
