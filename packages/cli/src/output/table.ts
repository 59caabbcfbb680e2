import { padded, shortened, textWidth, wrapped } from './text-width.ts';

export interface Column<Row> {
  readonly title: string;
  /** The cell's text; several lines stay several lines. */
  readonly cell: (row: Row) => string;
  /** How it gives way where the terminal is narrow: by more lines, or by leaving out the end. Ids never do. */
  readonly narrow?: 'wrap' | 'cut';
  /** Colours a cell's text, whose width it leaves as it is. */
  readonly paint?: (text: string, row: Row) => string;
}

const gap = '  ';
/** The narrowest that a flexible column gets, in columns of the terminal. */
const narrowest = 12;

/**
 * Writes rows as a table that fits a width, as far as columns give way. Control characters in cells are shown, not obeyed.
 * @param width of the terminal, in columns
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row).split('\n').map(harmless)));
  const natural = columns.map((column, index) =>
    cells.reduce(
      (most, row) => (row[index] ?? []).reduce((widest, line) => Math.max(widest, textWidth(line)), most),
      textWidth(column.title),
    ),
  );
  const widths = fitted(natural, columns, width);
  const lines = [columns.map((column) => [column.title]), ...cells].flatMap((row, rowIndex) => {
    const wrappedCells = row.map((cell, index) => {
      const fit = columns[index]?.narrow === 'cut' ? cutToOne : wrapped;
      return cell.flatMap((line) => fit(line, widths[index] ?? 0));
    });
    const height = Math.max(1, ...wrappedCells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, line) =>
      wrappedCells.map((cell, index) => {
        const text = cell[line] ?? '';
        const row = rows[rowIndex - 1];
        const painted =
          row === undefined || text === '' ? text : (columns[index]?.paint?.(text, row) ?? text);
        return painted + padded(text, widths[index] ?? 0).slice(text.length);
      }),
    );
  });
  return lines.map((line) => line.join(gap).trimEnd()).join('\n');
}

const cutToOne = (text: string, width: number): string[] => [shortened(text, width)];

/** Takes from the flexible columns, the widest first, until the table fits. */
function fitted(natural: readonly number[], columns: readonly Column<never>[], width: number): number[] {
  const widths = [...natural];
  let surplus = widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1) - width;
  while (surplus > 0) {
    const flexible = columns.flatMap((column, index) =>
      column.narrow !== undefined && (widths[index] ?? 0) > narrowest ? [index] : [],
    );
    const widest = flexible.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) break;
    const next = Math.max(
      narrowest,
      ...flexible.filter((index) => index !== widest).map((index) => widths[index] ?? 0),
    );
    const taken = Math.min(surplus, Math.max(1, (widths[widest] ?? 0) - next));
    widths[widest] = (widths[widest] ?? 0) - taken;
    surplus -= taken;
  }
  return widths;
}

/** Shows control characters as what they are, so that no tag and no message can command the terminal. */
export const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
  });
