import { Command } from 'commander';
import { connect } from '../connect.ts';
import { print } from '../output/print.ts';
import { systemRecord } from '../output/system.ts';
import { example } from './example.ts';

export const resume = new Command('resume')
  .description('start Runs again after `knit pause`')
  .addHelpText('after', example('knit resume'))
  .action(async (_options: object, command: Command) => {
    const client = await connect(command);
    await print(command, await client.resumeSystem(), systemRecord);
    client.close();
  });
