import { completionWord } from './completion/completion-word.ts';
import { exitCodeOf, explanation } from './exit.ts';
import { extensionsHelp, runExtension } from './extension.ts';
import { listenForInterrupts } from './interrupt.ts';
import { withPlainFlags } from './options/boolean-values.ts';
import { createProgram } from './program.ts';

/**
 * Runs the command and sets the exit code of the process.
 * @param args what follows the command's name
 */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever reads our output may stop reading: `knit data find | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    if (args[0] === completionWord) {
      const { complete } = await import('./completion/complete.ts');
      return await complete(args.slice(2));
    }
    const extension = await runExtension(args);
    if (extension !== undefined) {
      process.exitCode = extension;
      return;
    }
    listenForInterrupts();
    const program = await createProgram(args, { extensions: extensionsHelp });
    await program.parseAsync(withPlainFlags(program, args), { from: 'user' });
  } catch (error) {
    const text = explanation(error);
    if (text !== '') console.error(text);
    process.exitCode = exitCodeOf(error);
  }
}
