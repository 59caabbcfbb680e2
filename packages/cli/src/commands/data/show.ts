import { NotFound, parseKnitId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { dataRecord } from '../../output/data.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

export const show = new Command('show')
  .description('show a Data: its tags, who made it, who uses it, what it fits')
  .argument('<KNIT_ID>', 'the Data')
  .addHelpText('after', example('knit data show KNIT_ID'))
  .action(async (knitId: string, _, command: Command) => {
    const client = await connect(command);
    const data = await client.getData(parseKnitId(knitId));
    if (data === undefined) {
      throw new NotFound({
        reason: `there is no Data ${knitId} on ${client.apiRoot}`,
        advice: 'Look the id up with `knit data find`.',
      });
    }
    await print(command, data, dataRecord);
    client.close();
  });
