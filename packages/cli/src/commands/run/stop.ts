import { parseRunId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { print } from '../../output/print.ts';
import { runRecord } from '../../output/run.ts';
import { example } from '../example.ts';

export const stop = new Command('stop')
  .description('end a Run, as a success or as a failure')
  .argument('<RUN_ID>', 'the Run')
  .option('--fail', 'end it as a failure; without it, what it has made so far counts')
  .addHelpText('after', example('knit run stop RUN_ID', 'knit run stop --fail RUN_ID'))
  .action(async (id: string, { fail = false }: { fail?: boolean }, command: Command) => {
    const runId = parseRunId(id);
    const client = await connect(command);
    await print(command, await (fail ? client.abortRun(runId) : client.stopRun(runId)), runRecord);
    client.close();
  });
