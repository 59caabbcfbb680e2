import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

export const show = new Command('show')
  .description('show a Plan, and the Plans before and after it')
  .argument('<PLAN_ID>', 'the Plan')
  .addHelpText('after', example('knit plan show PLAN_ID'))
  .action(async (planId: string, _, command: Command) => {
    const client = await connect(command);
    await print(command, await client.getPlan(parsePlanId(planId)), planRecord);
    client.close();
  });
