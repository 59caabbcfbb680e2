import { parseRunId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { print } from '../../output/print.ts';
import { runRecord } from '../../output/run.ts';
import { example } from '../example.ts';

export const retry = new Command('retry')
  .description('run a finished Run again, with new outputs in place of the old ones')
  .argument('<RUN_ID>', 'the Run')
  .addHelpText('after', example('knit run retry RUN_ID'))
  .action(async (runId: string, _, command: Command) => {
    const client = await connect(command);
    await print(command, await client.retryRun(parseRunId(runId)), runRecord);
    client.close();
  });
