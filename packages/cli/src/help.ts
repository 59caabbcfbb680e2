import { styleText } from 'node:util';
import { Command, Help, type Option } from 'commander';

/** Lines longer than this are hard to read, however wide the terminal is. */
const widest = 100;
/** Where descriptions beside the terms would be narrower than this, they go below them. */
const narrowestDescription = 24;

/** Help as people read it: grouped by what they do, no wider than one reads with ease, on any terminal. */
export class KnitHelp extends Help {
  override showGlobalOptions = true;
  override minWidthToWrap = 10;
  #isOfProgram = false;

  override prepareContext(context: { error?: boolean; helpWidth?: number; outputHasColors?: boolean }): void {
    super.prepareContext(context);
    this.helpWidth = Math.min(context.helpWidth ?? 80, widest);
  }

  /** The program's help lists the words below its commands: they are what people look for. */
  override visibleCommands(command: Command): Command[] {
    const own = super.visibleCommands(command);
    if (!this.#isOfProgram || command.parent !== null) return own.filter((each) => each.name() !== 'help');
    return own.flatMap((each) => (each.commands.length > 0 ? this.visibleCommands(each) : [each]));
  }

  override groupItems<Item extends Command | Option>(
    unsorted: Item[],
    visible: Item[],
    groupOf: (item: Item) => string,
  ): Map<string, Item[]> {
    return super.groupItems(unsorted, visible, (item) => {
      const isDeeper = item instanceof Command && !unsorted.includes(item);
      return isDeeper ? (item.parent?.helpGroup() ?? '') : groupOf(item);
    });
  }

  override subcommandTerm(command: Command): string {
    const { parent } = command;
    if (this.#isOfProgram && parent?.parent) return `${parent.name()} ${command.name()}`;
    const operands = command.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
      return argument.required ? `<${name}>` : `[${name}]`;
    });
    return [command.name(), ...(this.#isOfProgram ? [] : operands)].join(' ');
  }

  override visibleGlobalOptions(command: Command): Option[] {
    return super.visibleGlobalOptions(command).filter(({ long }) => long !== '--version');
  }

  override formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    const width = this.helpWidth ?? 80;
    if (description === '' || width - termWidth - 4 >= narrowestDescription) {
      return super.formatItem(term, termWidth, description, helper);
    }
    const indent = ' '.repeat(6);
    return `  ${term}\n${indent}${this.boxWrap(description, Math.max(20, width - 6)).replaceAll('\n', `\n${indent}`)}`;
  }

  override formatHelp(command: Command, helper: Help): string {
    this.#isOfProgram = command.parent === null;
    return super.formatHelp(command, helper);
  }

  /** The parser takes colours away where they are not wanted. */
  override styleTitle(title: string): string {
    return styleText('bold', title, { validateStream: false });
  }
}
