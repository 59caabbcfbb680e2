import type { Command, Option } from 'commander';
import { UsageError } from '../exit.ts';

/**
 * Rewrites flags to the forms that the parser knows (spec page 3): of those that are given a value although they take none
 * (`--extract=true`, `-x false`), true is the flag and false is no flag; `-t=VALUE` is `-t VALUE`.
 * @throws {UsageError} for a value that is neither true nor false
 */
export function withPlainFlags(program: Command, args: readonly string[]): string[] {
  const result: string[] = [];
  let command = program;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') return [...result, ...args.slice(index)];
    command = command.commands.find((each) => each.name() === arg) ?? command;
    const [name = '', value] = splitOnce(arg, '=');
    const option = optionNamed(command, name) ?? optionNamed(program, name);
    if (option === undefined) {
      result.push(arg);
    } else if (option.isBoolean()) {
      const next = args[index + 1];
      const given = value ?? (next === 'true' || next === 'false' ? next : undefined);
      if (value === undefined && given !== undefined) index++;
      if (given === undefined || isTrue(given, name)) result.push(name);
    } else if (value !== undefined) {
      result.push(...(option.long === name ? [arg] : [name, value]));
    } else {
      // The value of an option is no flag, whatever it looks like.
      result.push(...args.slice(index, index + 2));
      index++;
    }
  }
  return result;
}

const optionNamed = (command: Command, name: string): Option | undefined =>
  command.options.find((option) => option.long === name || option.short === name);

/** The words that Go's programs take, 1.6 among them, and those of `knit plan active`. */
const words: Readonly<Record<string, boolean>> = {
  ...{ 1: true, t: true, true: true, yes: true },
  ...{ 0: false, f: false, false: false, no: false },
};

function isTrue(word: string, name: string): boolean {
  const value = words[word.toLowerCase()];
  if (value === undefined) throw new UsageError(`${name} is true or false, not "${word}"`);
  return value;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
