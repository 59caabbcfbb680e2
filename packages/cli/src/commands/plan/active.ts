import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { yesNo } from '../../options/values.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

export const active = new Command('active')
  .description('activate or deactivate a Plan: Runs of an inactive Plan do not start')
  .argument('<yes|no>', 'whether its Runs start', yesNo)
  .argument('<PLAN_ID>', 'the Plan')
  .addHelpText('after', example('knit plan active no PLAN_ID'))
  .action(async (wanted: boolean, id: string, _, command: Command) => {
    const client = await connect(command);
    const planId = parsePlanId(id);
    await print(
      command,
      await (wanted ? client.activatePlan(planId) : client.deactivatePlan(planId)),
      planRecord,
    );
    client.close();
  });
