import { parseRunId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { note } from '../../output/print.ts';
import { example } from '../example.ts';

export const rm = new Command('rm')
  .description('delete a Run and the Data that it made')
  .argument('<RUN_ID>', 'the Run')
  .addHelpText('after', example('knit run rm RUN_ID'))
  .action(async (id: string, _, command: Command) => {
    const runId = parseRunId(id);
    const client = await connect(command);
    await client.deleteRun(runId);
    note(`deleted the Run ${runId} and the Data that it made`);
    client.close();
  });
