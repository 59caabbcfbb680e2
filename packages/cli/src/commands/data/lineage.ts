import type { Lineage } from '@knitfab/api';
import { parseKnitId } from '@knitfab/core';
import { Command, Option } from 'commander';
import { connect } from '../../connect.ts';
import { fetchLineage } from '../../lineage/fetch.ts';
import { depth } from '../../options/values.ts';
import { example } from '../example.ts';

const formats = {
  dot: async (lineage: Lineage) => (await import('../../lineage/dot.ts')).lineageDot(lineage),
  svg: async (lineage: Lineage) => (await import('../../lineage/svg.ts')).lineageSvg(lineage),
  text: async (lineage: Lineage) => `${(await import('../../lineage/text.ts')).lineageText(lineage)}\n`,
  json: async (lineage: Lineage) => `${JSON.stringify(lineage, null, 4)}\n`,
};

interface LineageOptions {
  readonly upstream?: boolean;
  readonly downstream?: boolean;
  readonly numbers: number | 'all';
  readonly format: keyof typeof formats;
}

export const lineage = new Command('lineage')
  .description('draw what a Data was made from, and what was made from it')
  .argument('<KNIT_ID>', 'the Data')
  .option('-u, --upstream', 'only what it was made from')
  .option('-d, --downstream', 'only what was made from it')
  .option('-n, --numbers <N|all>', 'how many Data far', depth, 3)
  .addOption(
    new Option('--format <FORMAT>', 'Graphviz, a picture, a tree, or data')
      .choices(Object.keys(formats))
      .default('dot'),
  )
  .addHelpText(
    'after',
    example(
      'knit data lineage --format svg KNIT_ID > lineage.svg',
      'knit data lineage -u -n all --format text KNIT_ID',
    ),
  )
  .action(async (id: string, options: LineageOptions, command: Command) => {
    const { upstream = false, downstream = false, numbers, format } = options;
    const knitId = parseKnitId(id);
    const direction = upstream === downstream ? 'both' : upstream ? 'up' : 'down';
    const client = await connect(command);
    const graph = await fetchLineage(client, { knitId, direction, depth: numbers });
    process.stdout.write(await formats[format](graph));
    client.close();
  });
