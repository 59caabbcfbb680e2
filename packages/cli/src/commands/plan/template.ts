import { Command } from 'commander';
import { knitEnvOf } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { image } from '../../options/values.ts';
import { planTemplate } from '../../plan-file/template.ts';
import { example } from '../example.ts';

export const template = new Command('template')
  .description('write a Plan to start from, with comments')
  .argument('[IMAGE:TAG]', 'image of the Plan', image)
  .option('--scratch', 'a blank one, with tags and resources of knitenv')
  .addHelpText('after', example('knit plan template --scratch host:v1 > plan.yaml'))
  .action(async (name: string | undefined, { scratch = false }: { scratch?: boolean }, command: Command) => {
    if (!scratch) throw new UsageError('say --scratch for a blank template');
    process.stdout.write(planTemplate(name, await knitEnvOf(command)));
  });
