import { styleText } from 'node:util';

/** Lines up rows of text in columns below a header; columns named in `right` are set flush right. */
export function table(header: readonly string[], rows: readonly string[][], right: readonly string[] = []) {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    widths
      .map((width, i) => {
        const cell = cells[i] ?? '';
        return right.includes(header[i] ?? '') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [styleText('bold', line(header)), ...rows.map(line)].map((text) => `  ${text}`).join('\n');
}
