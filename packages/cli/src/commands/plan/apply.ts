import type { PlanDetail } from '@knitfab/api';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { planRecord } from '../../output/plan.ts';
import { note, print } from '../../output/print.ts';
import { readPlanFile } from '../../plan-file/read.ts';
import { example } from '../example.ts';

export const apply = new Command('apply')
  .description('register a Plan: from now on, Data that fit its inputs start Runs')
  .argument('<FILE>', 'the Plan in YAML, - for stdin')
  .addHelpText(
    'after',
    example('knit plan template --scratch host:v1 > plan.yaml', 'knit plan apply plan.yaml'),
  )
  .action(async (file: string, _, command: Command) => {
    const { plan, warnings } = await readPlanFile(file);
    for (const warning of warnings) note(`knit: warning: ${warning}`);
    const client = await connect(command);
    const registered = await client.registerPlan(plan);
    client.close();
    await print(command, registered, planRecord);
    warnOfItself(registered);
  });

/** A Plan whose outputs fit its own input never comes to an end. */
function warnOfItself({ planId, inputs }: PlanDetail): void {
  const input = inputs.find(({ upstreams }) => upstreams.some(({ plan }) => plan.planId === planId));
  if (input === undefined) return;
  note(`knit: warning: what this Plan makes fits its own input ${input.path}: it goes on for ever.
  Stop it with \`knit plan active no ${planId}\`, and give its outputs other tags.`);
}
