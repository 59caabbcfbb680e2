import type { PageQuery } from '@knitfab/api';
import { formatTag, type Tag } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { printFound } from '../../listing.ts';
import { checkedLimit, type LimitOptions, withLimit } from '../../options/limit.ts';
import { image, tags, yesNoBoth } from '../../options/values.ts';
import { planList } from '../../output/plan.ts';
import { example } from '../example.ts';

interface FindOptions extends LimitOptions {
  readonly active: 'yes' | 'no' | 'both';
  readonly image?: string;
  readonly inTag?: readonly Tag[];
  readonly outTag?: readonly Tag[];
}

const activeValues = { yes: 'true', no: 'false', both: undefined } as const;

export const find = withLimit(
  new Command('find')
    .description('find Plans')
    .option('--active <yes|no|both>', 'only active (yes) or inactive (no) Plans', yesNoBoth, 'both')
    .option('--image <IMAGE[:TAG]>', 'only Plans of this image', image)
    .option(
      '-i, --in-tag <KEY:VALUE>',
      'tag of an input; may be given several times: one input has all',
      tags,
    )
    .option(
      '-o, --out-tag <KEY:VALUE>',
      'tag of an output; may be given several times: one output has all',
      tags,
    ),
)
  .addHelpText('after', example('knit plan find --active yes --in-tag type:raw'))
  .action(async (options: FindOptions, command: Command) => {
    const { active, image, inTag = [], outTag = [] } = options;
    const part = checkedLimit(options);
    const query = {
      active: activeValues[active],
      image,
      in_tag: inTag.map(formatTag),
      out_tag: outTag.map(formatTag),
    };
    const client = await connect(command);
    const page = (part: PageQuery) => client.eachPlan({ ...query, ...part });
    await printFound(command, { page, part }, planList);
    client.close();
  });
