import type { Command } from 'commander';
import { commonOptionsOf } from '../connect.ts';

/** Where the terminal has no width of its own. */
const defaultWidth = 100;

/**
 * Writes a result to stdout: on a terminal as `readable` shows it, otherwise as the API's JSON, indented by 4;
 * `--output` chooses (spec page 3).
 * @param readable writes the result for people, for a terminal of that many columns
 */
export async function print<Result>(
  command: Command,
  result: Result,
  readable: (result: Result, width: number) => string,
): Promise<void> {
  const { output = process.stdout.isTTY ? 'table' : 'json' } = commonOptionsOf(command);
  if (output === 'yaml') {
    const { stringify } = await import('yaml');
    process.stdout.write(`---\n${stringify(result, { lineWidth: 0, aliasDuplicateObjects: false })}`);
  } else if (output === 'json') {
    process.stdout.write(`${JSON.stringify(result, null, 4)}\n`);
  } else {
    process.stdout.write(`${readable(result, process.stdout.columns ?? defaultWidth)}\n`);
  }
}

/** Writes a word for people to stderr. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
