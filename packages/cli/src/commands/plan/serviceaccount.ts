import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

interface ServiceAccountOptions {
  readonly set?: string;
  readonly unset?: boolean;
}

export const serviceaccount = new Command('serviceaccount')
  .description('set or unset the Kubernetes service account of a Plan')
  .argument('<PLAN_ID>', 'the Plan')
  .option('--set <NAME>', 'service account that its Runs use')
  .option('--unset', 'its Runs use the default one')
  .addHelpText('after', example('knit plan serviceaccount --set trainer PLAN_ID'))
  .action(async (id: string, { set, unset = false }: ServiceAccountOptions, command: Command) => {
    if ((set !== undefined) === unset) throw new UsageError('give either --set NAME or --unset');
    const client = await connect(command);
    const planId = parsePlanId(id);
    const plan = await (set === undefined
      ? client.unsetPlanServiceAccount(planId)
      : client.setPlanServiceAccount(planId, set));
    await print(command, plan, planRecord);
    client.close();
  });
