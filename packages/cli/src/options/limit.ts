import type { Command } from 'commander';
import { UsageError } from '../exit.ts';
import { count } from './values.ts';

/** How much of a list is wanted: its first items, its last ones, or all. */
export interface LimitOptions {
  readonly limit?: number;
  readonly last?: number;
}

/** Adds the options for a part of a list. */
export const withLimit = (command: Command): Command =>
  command
    .option('--limit <N>', 'only the first N of them', count)
    .option('--last <N>', 'only the last N of them', count);

/** @throws {UsageError} when both ends are asked for */
export function checkedLimit<Options extends LimitOptions>(options: Options): Options {
  if (options.limit !== undefined && options.last !== undefined) {
    throw new UsageError('give either --limit N or --last N');
  }
  return options;
}
