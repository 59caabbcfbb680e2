import type { Command } from 'commander';

/** What stands below a command's arguments and flags in its help. */
export interface TextAfterHelp {
  readonly remarks: string;
  /** Command lines. */
  readonly examples: readonly string[];
}

const example = /^ {2}\$ (.*)$/;
const title = /^Examples?:$/;

/** Takes the text below a command's help apart into what is said and what is shown. */
export function textAfterHelp(command: Command): TextAfterHelp {
  let text = '';
  const { writeOut } = command.configureOutput();
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  command.configureOutput(writeOut ? { writeOut } : {});
  const lines = text.slice(command.helpInformation().length).split('\n');
  return {
    remarks: lines
      .filter((line) => !example.test(line) && !title.test(line))
      .join('\n')
      .trim(),
    examples: lines.flatMap((line) => example.exec(line)?.[1] ?? []),
  };
}
