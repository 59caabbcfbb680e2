import { Command } from 'commander';
import { connect } from '../connect.ts';
import { count, countOrNone, limitOnWire } from '../options/count.ts';
import { print } from '../output/print.ts';
import { systemRecord } from '../output/system.ts';
import { example } from './example.ts';

interface LimitsOptions {
  readonly maxRunning?: number;
  readonly inactiveAbove?: number;
}

export const limits = new Command('limits')
  .description('show or change what holds for the Runs of all Plans together')
  .option('--max-running <N>', 'Runs that may be under way at once, or none for any number', countOrNone(1))
  .option(
    '--inactive-above <N>',
    'a new Plan that would start more Runs than this at once is made inactive',
    count(1),
  )
  .addHelpText(
    'after',
    example('knit limits', 'knit limits --max-running 20', 'knit limits --max-running none'),
  )
  .action(async ({ maxRunning, inactiveAbove }: LimitsOptions, command: Command) => {
    const client = await connect(command);
    const change = {
      ...(maxRunning !== undefined && { max_running: limitOnWire(maxRunning) }),
      ...(inactiveAbove !== undefined && { inactive_above: inactiveAbove }),
    };
    const isChanged = Object.keys(change).length > 0;
    await print(command, await (isChanged ? client.limitSystem(change) : client.getSystem()), systemRecord);
    client.close();
  });
