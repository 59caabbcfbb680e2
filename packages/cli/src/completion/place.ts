import type { Argument, Command, Option } from 'commander';

/** What is being typed on a command line. */
export interface Place {
  /** The command that the words before name. */
  readonly command: Command;
  /** What belongs here: the value of an option, or an operand; undefined where a subcommand does, or nothing. */
  readonly wanted?: Option | Argument;
  /** What stands before the value within the same word: `--output=`. */
  readonly before: string;
  /** How many operands stand before it. */
  readonly operands: number;
  /** What is typed of it so far. */
  readonly typed: string;
  /** Whether a flag could stand here. */
  readonly mayBeFlag: boolean;
  /** Values of options that were given before, by their long names. */
  readonly given: ReadonlyMap<string, string>;
}

/** Reads the words of a command line up to the one that is being typed, which is the last. */
export function placeOf(program: Command, words: readonly string[]): Place {
  const given = new Map<string, string>();
  let [command, operands, mayBeFlag] = [program, 0, true];
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    const [name = '', value] = word.split(/=(.*)/s);
    const option = mayBeFlag && word.startsWith('-') ? optionNamed(command, name) : undefined;
    if (pending !== undefined) {
      given.set(pending.long ?? '', word);
      pending = undefined;
    } else if (mayBeFlag && word === '--') {
      mayBeFlag = false;
    } else if (option !== undefined) {
      if (value !== undefined) given.set(option.long ?? '', value);
      else if (option.required) pending = option;
    } else if (!mayBeFlag || !word.startsWith('-')) {
      const subcommand = command.commands.find((each) => each.name() === word);
      if (subcommand === undefined) operands++;
      else command = subcommand;
    }
  }
  const typed = words.at(-1) ?? '';
  const common = { command, given, operands, mayBeFlag: mayBeFlag && pending === undefined };
  if (pending !== undefined) return { ...common, wanted: pending, before: '', typed };
  const [, flag = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(mayBeFlag ? typed : '') ?? [];
  const option = flag === '' ? undefined : optionNamed(command, flag);
  if (option !== undefined) {
    return { ...common, wanted: option, before: `${flag}=`, typed: value, mayBeFlag: false };
  }
  const wanted = command.registeredArguments[operands] ?? command.registeredArguments.at(-1);
  const fits = wanted !== undefined && (wanted.variadic || operands < command.registeredArguments.length);
  return { ...common, before: '', typed, ...(fits && { wanted }) };
}

/** Options of a command, and those that go with every command. */
export const optionsOf = (command: Command): Option[] =>
  command.parent === null ? [...command.options] : [...command.options, ...optionsOf(command.parent)];

const optionNamed = (command: Command, name: string): Option | undefined =>
  optionsOf(command).find((option) => option.long === name || option.short === name);
