import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { commonOptionsOf } from '../connect.ts';
import { escapedInQuotes, harmlessLines } from './harmless.ts';
import { type Column, Table } from './table.ts';

/** Where the terminal has no width of its own. */
const defaultWidth = 100;
/** How many rows of a table say how wide its columns are, and are written together. */
const rowsTogether = 500;

type Format = 'table' | 'json' | 'yaml';

/** Columns that results are written into. */
export const outputWidth = (): number => process.stdout.columns || defaultWidth;

/** `--output`, or what fits: a table on a terminal, otherwise the API's JSON, indented by 4 (spec page 3). */
export const outputFormatOf = (command: Command): Format =>
  commonOptionsOf(command).output ?? (process.stdout.isTTY ? 'table' : 'json');

/**
 * Writes a result to stdout.
 * @param readable writes the result for people, for a terminal of that many columns
 */
export async function print<Result>(
  command: Command,
  result: Result,
  readable: (result: Result, width: number) => string,
): Promise<void> {
  const format = outputFormatOf(command);
  if (format === 'table') return await write([`${readable(result, outputWidth())}\n`]);
  await write([format === 'json' ? `${json(result)}\n` : `---\n${await yaml(result)}`]);
}

type Items<Item> = AsyncIterable<Item> | Iterable<Item>;

/** How a list is written for people. */
export interface ListOutput<Item> {
  readonly columns: readonly Column<Item>[];
  /** What to say when it is empty. */
  readonly none: string;
}

/** Writes a list to stdout as its items arrive. */
export async function printList<Item>(
  command: Command,
  items: Items<Item>,
  { columns, none }: ListOutput<Item>,
): Promise<void> {
  const format = outputFormatOf(command);
  if (format === 'json') await write(jsonList(items));
  else if (format === 'yaml') await write(yamlList(items));
  else await write(tableParts(items, new Table(columns, outputWidth()), none));
}

async function* jsonList<Item>(items: Items<Item>): AsyncGenerator<string> {
  let before = '[';
  for await (const item of items) {
    yield `${before}\n    ${json(item).replaceAll('\n', '\n    ')}`;
    before = ',';
  }
  yield before === '[' ? '[]\n' : '\n]\n';
}

async function* yamlList<Item>(items: Items<Item>): AsyncGenerator<string> {
  let before = '---\n';
  for await (const item of items) {
    yield before + (await yaml([item]));
    before = '';
  }
  if (before !== '') yield `${before}[]\n`;
}

async function* tableParts<Item>(
  items: Items<Item>,
  table: Table<Item>,
  none: string,
): AsyncGenerator<string> {
  let rows: Item[] = [];
  let isEmpty = true;
  for await (const item of items) {
    isEmpty = false;
    rows.push(item);
    if (rows.length < rowsTogether) continue;
    yield `${table.lines(rows).join('\n')}\n`;
    rows = [];
  }
  if (isEmpty) yield `${none}\n`;
  else if (rows.length > 0) yield `${table.lines(rows).join('\n')}\n`;
}

/** On a terminal, nothing in it may be a command to the terminal. */
function json(value: unknown): string {
  const text = JSON.stringify(value, null, 4);
  return process.stdout.isTTY ? escapedInQuotes(text) : text;
}

async function yaml(value: unknown): Promise<string> {
  const { yamlText } = await import('./yaml.ts');
  return yamlText(value);
}

const write = (parts: Iterable<string> | AsyncIterable<string>): Promise<void> =>
  pipeline(Readable.from(parts), process.stdout, { end: false });

/** Writes a word for people to stderr. */
export const note = (text: string): void => {
  process.stderr.write(`${harmlessLines(text)}\n`);
};
