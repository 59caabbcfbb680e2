import { Argument, Command } from 'commander';
import { completionScripts } from '../completion/scripts.ts';
import { example } from './example.ts';

export const completion = new Command('completion')
  .addArgument(new Argument('<SHELL>', 'the shell').choices(Object.keys(completionScripts)))
  .addHelpText(
    'after',
    `
Put one of these lines into the file that your shell reads when it starts: ~/.bashrc, ~/.zshrc (after compinit)
or ~/.config/fish/config.fish.
${example('source <(knit completion bash)', 'source <(knit completion zsh)', 'knit completion fish | source')}`,
  )
  .action((shell: keyof typeof completionScripts) => {
    process.stdout.write(completionScripts[shell]);
  });
