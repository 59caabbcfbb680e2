import { Command } from 'commander';
import { connect } from '../connect.ts';
import { print } from '../output/print.ts';
import { systemRecord } from '../output/system.ts';
import { example } from './example.ts';

export const pause = new Command('pause')
  .description('start no more Runs, of any Plan; those that have begun go on')
  .option('--reason <TEXT>', 'what users are told')
  .addHelpText('after', example('knit pause --reason "backup until noon"'))
  .action(async ({ reason }: { reason?: string }, command: Command) => {
    const client = await connect(command);
    await print(command, await client.pauseSystem(reason), systemRecord);
    client.close();
  });
