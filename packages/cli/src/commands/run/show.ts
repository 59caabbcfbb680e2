import { pipeline } from 'node:stream/promises';
import { parseRunId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { print } from '../../output/print.ts';
import { runRecord } from '../../output/run.ts';
import { example } from '../example.ts';

interface ShowOptions {
  readonly log?: boolean;
  readonly follow?: boolean;
}

export const show = new Command('show')
  .description('show a Run, or what it has written to its log')
  .argument('<RUN_ID>', 'the Run')
  .option('--log', 'show its log instead')
  .option('-f, --follow', 'with --log: go on until the Run ends')
  .addHelpText('after', example('knit run show RUN_ID', 'knit run show --log --follow RUN_ID'))
  .action(async (id: string, { log = false, follow = false }: ShowOptions, command: Command) => {
    if (follow && !log) throw new UsageError('--follow goes with --log');
    const runId = parseRunId(id);
    const client = await connect(command);
    if (log) await pipeline(await client.getRunLog(runId, { follow }), process.stdout, { end: false });
    else await print(command, await client.getRun(runId), runRecord);
    client.close();
  });
