import type { Command } from 'commander';

/**
 * Rewrites flags that are given a value (`--extract=true`, `-x false`, spec page 3) to their plain form, which is all that
 * the parser knows: true is the flag, false is no flag.
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
    if (option?.isBoolean()) {
      const next = args[index + 1];
      const given = value ?? (next === 'true' || next === 'false' ? next : undefined);
      if (value === undefined && given !== undefined) index++;
      if (given === 'false') continue;
      result.push(given === undefined || given === 'true' ? name : arg);
    } else {
      result.push(arg);
      // The value of an option is no flag, whatever it looks like.
      if (option !== undefined && value === undefined && index + 1 < args.length)
        result.push(args[++index] ?? '');
    }
  }
  return result;
}

const optionNamed = (command: Command, name: string) =>
  command.options.find((option) => option.long === name || option.short === name);

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
