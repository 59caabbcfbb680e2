import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { fetchPlanGraph } from '../../graph/fetch/plan-graph.ts';
import { planGraph } from '../../graph/plan-graph.ts';
import { writeGraph } from '../../graph/write.ts';
import { extentOf, type GraphOptions, withGraphOptions } from '../../options/graph.ts';
import { example } from '../example.ts';

const directions = {
  upstream: 'the Plans whose outputs feed it',
  downstream: 'the Plans that its outputs feed',
  unit: 'Plans',
};

export const graph = withGraphOptions(
  new Command('graph')
    .description('draw the Plans before and after a Plan, and how they are connected')
    .argument('<PLAN_ID>', 'the Plan'),
  directions,
)
  .addHelpText(
    'after',
    example(
      'knit plan graph PLAN_ID | dot -Tpng > plans.png',
      'knit plan graph -n all -o plans.html PLAN_ID',
    ),
  )
  .action(async (given: string, options: GraphOptions, command: Command) => {
    const planId = parsePlanId(given);
    const client = await connect(command);
    const answer = await fetchPlanGraph(client, planId, extentOf(options));
    client.close();
    await writeGraph(command, options, planGraph(answer), answer);
  });
