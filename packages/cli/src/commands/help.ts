import { Command } from 'commander';
import { UsageError } from '../exit.ts';
import { nearestWord } from '../plan-file/nearest-word.ts';
import { example } from './example.ts';

export const help = new Command('help')
  .description('tell more of a command')
  .argument('[COMMAND...]', 'its words')
  .addHelpText('after', example('knit help data push'))
  .action((words: readonly string[], _, command: Command) => {
    let found = command.parent as Command;
    for (const word of words) {
      const next = found.commands.find((each) => each.name() === word);
      if (next === undefined) throw new UsageError(unknown(found, word));
      found = next;
    }
    found.outputHelp();
  });

function unknown(within: Command, word: string): string {
  const nearest = nearestWord(
    word,
    within.commands.map((each) => each.name()),
  );
  return `there is no command '${word}'${nearest === undefined ? '' : `\n(Did you mean ${nearest}?)`}`;
}
