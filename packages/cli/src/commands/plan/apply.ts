import type { Client, PlanDetail } from '@knitfab/api';
import { cycleWarning, isSystemTag, type PlanId, parseTag, planCycle } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { FailedWith, UsageError } from '../../exit.ts';
import { fetchPlanGraph } from '../../graph/fetch/plan-graph.ts';
import { dryRunRecord } from '../../output/dry-run.ts';
import { planRecord } from '../../output/plan.ts';
import { note, print } from '../../output/print.ts';
import type { PlanFile } from '../../plan-file/parse.ts';
import { readPlanFile } from '../../plan-file/read.ts';
import { example } from '../example.ts';

export const apply = new Command('apply')
  .description('register Plans: from now on, Data that fit their inputs start Runs')
  .argument('<FILE...>', 'Plans in YAML, - for stdin; several in one file with "---" between')
  .option('--dry-run', 'only say what would come of it: which Runs would start')
  .addHelpText(
    'after',
    example('knit plan template --scratch host:v1 > plan.yaml', 'knit plan apply plan.yaml'),
  )
  .action(async (files: string[], { dryRun = false }: { dryRun?: boolean }, command: Command) => {
    const plans = await readPlanFiles(files);
    const client = await connect(command);
    for (const [index, { plan }] of plans.entries()) {
      if (dryRun) {
        await print(command, await client.dryRunPlan(plan), dryRunRecord);
        continue;
      }
      const registered = await client.registerPlan(plan).catch((error) => {
        throw plans.length === 1 ? error : new FailedWith(`Plan ${index + 1} of ${plans.length}`, error);
      });
      await print(command, registered, planRecord);
      warnOfItself(registered);
      await warnOfCycle(client, registered);
      if (plan.active !== false && !registered.active) warnOfStorm(registered);
    }
    client.close();
  });

/** Reads all Plans before anything is done with the first. */
async function readPlanFiles(files: readonly string[]): Promise<PlanFile[]> {
  if (files.filter((file) => file === '-').length > 1) throw new UsageError('stdin can be read only once');
  const plans: PlanFile[] = [];
  for (const file of files) plans.push(...(await readPlanFile(file)));
  for (const warning of plans.flatMap(({ warnings }) => warnings)) note(`knit: warning: ${warning}`);
  return plans;
}

/** The server makes a Plan inactive that would start very many Runs at once. */
const warnOfStorm = ({ planId }: PlanDetail): void =>
  note(`knit: warning: this Plan is inactive, since it would start more Runs at once than \`knit limits\` says.
  See them with \`knit run find --planid ${planId}\`; \`knit plan active yes ${planId}\` starts them.`);

/** A Plan whose outputs fit its own input never comes to an end. */
function warnOfItself({ planId, inputs }: PlanDetail): void {
  const input = inputs.find(({ upstreams }) => upstreams.some(({ plan }) => plan.planId === planId));
  if (input === undefined) return;
  note(`knit: warning: what this Plan makes fits its own input ${input.path}: it goes on for ever.
  Stop it with \`knit plan active no ${planId}\`, and give its outputs other tags.`);
}

/** The same over other Plans. Where nothing feeds the Plan, or it feeds nothing, there is nothing to ask for. */
async function warnOfCycle(client: Client, { planId, inputs, outputs, log }: PlanDetail): Promise<void> {
  const others = <Point extends { plan: { planId: string } }>(points: readonly Point[]) =>
    points.filter(({ plan }) => plan.planId !== planId);
  const isFed = inputs.some(({ upstreams }) => others(upstreams).length > 0);
  const feeds = [...outputs, ...(log ? [log] : [])].some(({ downstreams }) => others(downstreams).length > 0);
  if (!isFed || !feeds) return;
  const { edges } = await fetchPlanGraph(client, planId, { direction: 'down', depth: 'all' });
  const connections = edges
    .filter(({ to }) => !to.mountpoint.tags.some((tag) => isSystemTag(parseTag(tag))))
    .map(({ from, to }) => ({ from: from.planId as PlanId, to: to.planId as PlanId }));
  const cycle = planCycle(planId as PlanId, connections);
  if (cycle === undefined) return;
  note(`knit: warning: ${cycleWarning(cycle)}.
  Stop it with \`knit plan active no ${planId}\`, and give its outputs other tags.`);
}
