import { parseKnitId, parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { print } from '../../output/print.ts';
import { whyRecord } from '../../output/why.ts';
import { example } from '../example.ts';

export const why = new Command('why')
  .description('say why a Data is, or is not, used by a Plan')
  .argument('<KNIT_ID>', 'the Data')
  .argument('<PLAN_ID>', 'the Plan')
  .addHelpText('after', example('knit data why KNIT_ID PLAN_ID'))
  .action(async (knitId: string, planId: string, _, command: Command) => {
    const client = await connect(command);
    await print(command, await client.getWhy(parseKnitId(knitId), parsePlanId(planId)), whyRecord);
    client.close();
  });
