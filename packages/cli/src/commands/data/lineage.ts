import { parseKnitId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { fetchLineage } from '../../graph/fetch/lineage.ts';
import { lineageGraph } from '../../graph/lineage-graph.ts';
import { writeGraph } from '../../graph/write.ts';
import { extentOf, type GraphOptions, withGraphOptions } from '../../options/graph.ts';
import { example } from '../example.ts';

const directions = {
  upstream: 'what it was made from',
  downstream: 'what was made from it',
  unit: 'Data',
};

export const lineage = withGraphOptions(
  new Command('lineage')
    .description('draw what a Data was made from, and what was made from it')
    .argument('<KNIT_ID>', 'the Data'),
  directions,
)
  .addHelpText(
    'after',
    example(
      'knit data lineage KNIT_ID | dot -Tpng > lineage.png',
      'knit data lineage -n all -o lineage.html KNIT_ID',
      'knit data lineage -u -n all --format text KNIT_ID',
    ),
  )
  .action(async (given: string, options: GraphOptions, command: Command) => {
    const knitId = parseKnitId(given);
    const client = await connect(command);
    const answer = await fetchLineage(client, knitId, extentOf(options));
    client.close();
    await writeGraph(command, options, lineageGraph(answer), answer);
  });
