import { styled } from './style.ts';
import { harmless } from './table.ts';
import { padded, textWidth, wrapped } from './text-width.ts';

/** A name, one line of text for each value, and how they are coloured. */
export type Field = readonly [name: string, values: readonly string[], paint?: (text: string) => string];

/** Writes named values below each other, names in one column; fields without values are left out. */
export function record(fields: readonly Field[], width: number): string {
  const shown = fields.filter(([, values]) => values.length > 0);
  const nameWidth = Math.max(...shown.map(([name]) => textWidth(name))) + 2;
  const room = Math.max(20, width - nameWidth);
  return shown
    .flatMap(([name, values, paint = (text) => text]) =>
      values
        .flatMap((value) => wrapped(harmless(value), room))
        .map((line, index) => styled('bold', padded(index === 0 ? name : '', nameWidth)) + paint(line)),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}
