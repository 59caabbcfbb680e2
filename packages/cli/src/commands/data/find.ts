import type { DataDetail, PageQuery } from '@knitfab/api';
import { formatTag, type Tag } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { printFound } from '../../listing.ts';
import { intervalOf, withInterval } from '../../options/interval.ts';
import { checkedLimit, type LimitOptions, withLimit } from '../../options/limit.ts';
import { tags, yesNoBoth } from '../../options/values.ts';
import { dataList } from '../../output/data.ts';
import { transience } from '../../output/describe.ts';
import { example } from '../example.ts';

interface FindOptions extends LimitOptions {
  readonly tag?: readonly Tag[];
  readonly transient: 'yes' | 'no' | 'both';
  readonly since?: string;
  readonly duration?: string;
}

export const find = withLimit(
  withInterval(
    new Command('find')
      .description('find Data by tags and time')
      .option(
        '-t, --tag <KEY:VALUE>',
        'tag that the Data have; may be given several times: all of them',
        tags,
      )
      .option(
        '--transient <yes|no|both>',
        'only Data whose Run is not done (yes), or is done (no)',
        yesNoBoth,
        'both',
      ),
  ),
)
  .addHelpText('after', example('knit data find -t type:model --since 2024-03-06 --duration 24h'))
  .action(async (options: FindOptions, command: Command) => {
    const query = { tag: (options.tag ?? []).map(formatTag), ...intervalOf(options) };
    const part = checkedLimit(options);
    const client = await connect(command);
    const page = (part: PageQuery) => client.eachData({ ...query, ...part });
    await printFound(command, { page, fits: fits(options.transient), part }, dataList);
    client.close();
  });

const fits =
  (wanted: FindOptions['transient']) =>
  ({ tags }: DataDetail): boolean =>
    wanted === 'both' || (transience(tags) !== undefined) === (wanted === 'yes');
