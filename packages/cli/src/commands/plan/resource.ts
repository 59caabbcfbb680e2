import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { resources, texts } from '../../options/values.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

interface ResourceOptions {
  readonly set?: Record<string, string>;
  readonly unset?: string[];
}

export const resource = new Command('resource')
  .description('change what Runs of a Plan may use')
  .argument('<PLAN_ID>', 'the Plan')
  .option('-s, --set <TYPE=QUANTITY>', 'amount to set; may be given several times', resources)
  .option('-u, --unset <TYPE>', 'amount to unset; may be given several times', texts)
  .addHelpText('after', example('knit plan resource --set memory=4Gi --unset nvidia.com/gpu PLAN_ID'))
  .action(async (planId: string, { set, unset }: ResourceOptions, command: Command) => {
    if (set === undefined && unset === undefined)
      throw new UsageError('nothing to do: give --set or --unset');
    const client = await connect(command);
    const plan = await client.changePlanResources(parsePlanId(planId), {
      set: set ?? {},
      unset: unset ?? [],
    });
    await print(command, plan, planRecord);
    client.close();
  });
