import { parsePlanId, type SchedulingInput } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { count, countOrNone, limitOnWire } from '../../options/count.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

interface ScheduleOptions {
  readonly maxRunning?: number;
  readonly priority?: number;
  readonly retryLost?: number;
  readonly retryError?: number;
  readonly backoff?: string;
}

export const schedule = new Command('schedule')
  .description('say when and how often the Runs of a Plan are started')
  .argument('<PLAN_ID>', 'the Plan')
  .option(
    '--max-running <N>',
    'its Runs that may be under way at once, or none for any number',
    countOrNone(1),
  )
  .option('--priority <N>', 'Runs of Plans with a higher one start first (-1000 to 1000)', count(-1000))
  .option(
    '--retry-lost <N>',
    'how often a Run is tried again that was lost by the system (3 by default)',
    count(0),
  )
  .option('--retry-error <N>', 'how often a Run is tried again whose code failed (0 by default)', count(0))
  .option('--backoff <DURATION>', 'pause before the first retry, which doubles (10s by default)')
  .addHelpText('after', example('knit plan schedule --max-running 4 --priority 10 --retry-error 2 PLAN_ID'))
  .action(async (id: string, options: ScheduleOptions, command: Command) => {
    const change = changeOf(options);
    if (Object.keys(change).length === 0) throw new UsageError('name something to change: see --help');
    const client = await connect(command);
    await print(command, await client.schedulePlan(parsePlanId(id), change), planRecord);
    client.close();
  });

function changeOf({
  maxRunning,
  priority,
  retryLost,
  retryError,
  backoff,
}: ScheduleOptions): SchedulingInput {
  const retry = {
    ...(retryLost !== undefined && { lost: retryLost }),
    ...(retryError !== undefined && { error: retryError }),
    ...(backoff !== undefined && { backoff }),
  };
  return {
    ...(maxRunning !== undefined && { max_running: limitOnWire(maxRunning) }),
    ...(priority !== undefined && { priority }),
    ...(Object.keys(retry).length > 0 && { retry }),
  };
}
