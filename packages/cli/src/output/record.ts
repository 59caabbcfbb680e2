import { harmless } from './harmless.ts';
import { styled } from './style.ts';
import { padded, shortened, textWidth, wrapped } from './text-width.ts';

/** A name, one line of text for each value, and how they are coloured. */
export type Field = readonly [name: string, values: readonly string[], paint?: (text: string) => string];

/** What one field shows at most; `--output json` shows everything. */
const mostValues = 50;
const mostLinesOfValue = 10;

/** Writes named values below each other, names in one column; fields without values are left out. */
export function record(fields: readonly Field[], width: number): string {
  const shown = fields.filter(([, values]) => values.length > 0);
  const nameWidth = Math.max(...shown.map(([name]) => textWidth(name))) + 2;
  const room = Math.max(20, width - nameWidth);
  return shown
    .flatMap(([name, values, paint = (text) => text]) =>
      fitted(values, room).map(
        (line, index) => styled('bold', padded(index === 0 ? name : '', nameWidth)) + paint(line),
      ),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

function fitted(values: readonly string[], room: number): string[] {
  const lines = values
    .slice(0, mostValues)
    .flatMap((value) => wrapped(shortened(harmless(value), room * mostLinesOfValue), room));
  const left = values.length - mostValues;
  return left > 0 ? [...lines, `… ${left} more`] : lines;
}
