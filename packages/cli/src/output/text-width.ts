// Columns that a terminal gives to a text. Source: Unicode Standard Annex #11, classes W and F, and emoji presentation.

const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f], // Hangul initial consonants
  [0x2e80, 0x303e], // CJK radicals and punctuation
  [0x3041, 0x33ff], // kana, bopomofo, Hangul compatibility jamo, enclosed and squared CJK
  [0x3400, 0x4dbf], // CJK extension A
  [0x4e00, 0x9fff], // CJK unified ideographs
  [0xa000, 0xa4cf], // Yi
  [0xa960, 0xa97f], // Hangul jamo extended A
  [0xac00, 0xd7a3], // Hangul syllables
  [0xf900, 0xfaff], // CJK compatibility ideographs
  [0xfe10, 0xfe19], // vertical forms
  [0xfe30, 0xfe6f], // CJK compatibility forms, small forms
  [0xff00, 0xff60], // full-width forms
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff], // Tangut, Khitan
  [0x1aff0, 0x1b2ff], // kana supplements, Nushu
  [0x20000, 0x3fffd], // CJK extensions B and later
];

const emoji = /^(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}{2})/u;
const withoutWidth = /^[\p{Mark}\p{Default_Ignorable_Code_Point}\p{Control}]+$/u;
/** Texts of which each code unit is a character of one column: ASCII, and the sign that something is cut off. */
const simple = /^[\x20-\x7e…]*$/;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** What a reader takes for one character each. */
export const characters = (text: string): string[] =>
  simple.test(text) ? [...text] : [...graphemes.segment(text)].map(({ segment }) => segment);

/** Columns of one character. */
export function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (character.length === 1 && simple.test(character)) return 1;
  if (withoutWidth.test(character)) return 0;
  return emoji.test(character) || wideRanges.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Columns of a text without line breaks. */
export const textWidth = (text: string): number =>
  simple.test(text) ? text.length : characters(text).reduce((sum, each) => sum + characterWidth(each), 0);

/** The longest that a character is likely to be, in code units: what lies further on is never reached. */
const longestCharacter = 32;

/** Cuts a text to a number of columns; what is cut off shows as "…". */
export function shortened(whole: string, width: number): string {
  const text = whole.slice(0, (width + 1) * longestCharacter);
  if (text.length === whole.length && textWidth(text) <= width) return text;
  let [result, used] = ['', 0];
  for (const character of characters(text)) {
    used += characterWidth(character);
    if (used > width - 1) break;
    result += character;
  }
  return `${result}…`;
}

export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - textWidth(text)));

/** Breaks a text into lines of at most a number of columns, at spaces where it can. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (textWidth(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = broken(word, width);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return [...lines, line];
}

function broken(word: string, width: number): string[] {
  const pieces: string[] = [];
  let [piece, used] = ['', 0];
  for (const character of characters(word)) {
    const columns = characterWidth(character);
    if (used + columns > width && piece !== '') {
      pieces.push(piece);
      [piece, used] = ['', 0];
    }
    piece += character;
    used += columns;
  }
  return [...pieces, piece];
}
