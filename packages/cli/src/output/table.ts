import { harmless } from './harmless.ts';
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
/** The most lines of a cell that are shown, and the most lines that one of them is wrapped to. */
const mostLines = 8;
const mostWraps = 3;

/** The lines of each cell of a row. */
type Cells = readonly (readonly string[])[];

/**
 * A table that fits a width, as far as columns give way, and may be written in parts: the first part says how wide the
 * columns are. What is too much for a cell is cut off and shows as "…".
 */
export class Table<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #width: number;
  #widths: readonly number[] | undefined;

  /** @param width of the terminal, in columns */
  constructor(columns: readonly Column<Row>[], width: number) {
    this.#columns = columns;
    this.#width = width;
  }

  /** The lines of these rows; the first time the titles go before them. */
  lines(rows: readonly Row[]): string[] {
    const cells = rows.map((row) => this.#cellsOf(row));
    const titles = this.#columns.map(({ title }) => [title]);
    const body = (widths: readonly number[]) =>
      cells.flatMap((row, index) => this.#line(row, widths, rows[index]));
    if (this.#widths !== undefined) return body(this.#widths);
    this.#widths = fitted(naturalWidths([titles, ...cells]), this.#columns, this.#width);
    return [...this.#line(titles, this.#widths), ...body(this.#widths)];
  }

  #cellsOf(row: Row): Cells {
    return this.#columns.map(({ cell }) => {
      const lines = cell(row).split('\n');
      const shown = lines.length > mostLines ? lines.slice(0, mostLines - 1) : lines;
      const rest = lines.length - shown.length;
      const fit = shown.map((line) => shortened(harmless(line), mostWraps * this.#width));
      return rest > 0 ? [...fit, `… ${rest} more`] : fit;
    });
  }

  #line(cells: Cells, widths: readonly number[], row?: Row): string[] {
    const fit = cells.map((lines, index) => this.#fit(lines, index, widths[index] ?? 0));
    const height = Math.max(1, ...fit.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      fit
        .map((lines, index) => {
          const text = lines[line] ?? '';
          const paint = row === undefined || text === '' ? undefined : this.#columns[index]?.paint;
          const painted = paint && row !== undefined ? paint(text, row) : text;
          return painted + padded(text, widths[index] ?? 0).slice(text.length);
        })
        .join(gap)
        .trimEnd(),
    );
  }

  #fit(lines: readonly string[], index: number, width: number): string[] {
    const narrow = this.#columns[index]?.narrow;
    if (narrow === undefined) return [...lines];
    if (narrow === 'cut') return lines.map((line) => shortened(line, width));
    return lines.flatMap((line) => wrapped(shortened(line, mostWraps * width), width));
  }
}

/** A table of all its rows at once. */
export const table = <Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string =>
  new Table(columns, width).lines(rows).join('\n');

function naturalWidths(rows: readonly Cells[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, lines] of row.entries()) {
      for (const line of lines) widths[index] = Math.max(widths[index] ?? 0, textWidth(line));
    }
  }
  return widths;
}

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
