import { formatTag, type Tag } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { image, tags, yesNoBoth } from '../../options/values.ts';
import { planTable } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

interface FindOptions {
  readonly active: 'yes' | 'no' | 'both';
  readonly image?: string;
  readonly inTag?: readonly Tag[];
  readonly outTag?: readonly Tag[];
}

const activeValues = { yes: 'true', no: 'false', both: undefined } as const;

export const find = new Command('find')
  .description('find Plans')
  .option('--active <yes|no|both>', 'only active (yes) or inactive (no) Plans', yesNoBoth, 'both')
  .option('--image <IMAGE[:TAG]>', 'only Plans of this image', image)
  .option('-i, --in-tag <KEY:VALUE>', 'tag of an input; may be given several times: one input has all', tags)
  .option(
    '-o, --out-tag <KEY:VALUE>',
    'tag of an output; may be given several times: one output has all',
    tags,
  )
  .addHelpText('after', example('knit plan find --active yes --in-tag type:raw'))
  .action(async ({ active, image, inTag = [], outTag = [] }: FindOptions, command: Command) => {
    const client = await connect(command);
    const plans = await client.findPlans({
      active: activeValues[active],
      image,
      in_tag: inTag.map(formatTag),
      out_tag: outTag.map(formatTag),
    });
    await print(command, plans, planTable);
    client.close();
  });
