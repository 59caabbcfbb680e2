import type { PageQuery } from '@knitfab/api';
import { visibleRunStatuses } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { printFound } from '../../listing.ts';
import { intervalOf, withInterval } from '../../options/interval.ts';
import { checkedLimit, type LimitOptions, withLimit } from '../../options/limit.ts';
import { ids, statuses } from '../../options/values.ts';
import { runList } from '../../output/run.ts';
import { example } from '../example.ts';

interface FindOptions extends LimitOptions {
  readonly planid?: string[];
  readonly inKnitid?: string[];
  readonly outKnitid?: string[];
  readonly status?: string[];
  readonly since?: string;
  readonly duration?: string;
}

export const find = withLimit(
  withInterval(
    new Command('find')
      .description('find Runs')
      .option('-p, --planid <PLAN_ID>', 'Plan of the Runs; may be given several times: any of them', ids)
      .option('-i, --in-knitid <KNIT_ID>', 'Data that they use; may be given several times: any of them', ids)
      .option(
        '-o, --out-knitid <KNIT_ID>',
        'Data that they made; may be given several times: any of them',
        ids,
      )
      .option(
        '-s, --status <STATUS>',
        `status, any of those given: ${visibleRunStatuses.join(', ')}`,
        statuses,
      ),
  ),
)
  .addHelpText('after', example('knit run find -s failed -s running --since 2024-03-06'))
  .action(async (options: FindOptions, command: Command) => {
    const query = {
      plan: options.planid,
      knitIdInput: options.inKnitid,
      knitIdOutput: options.outKnitid,
      status: options.status,
      ...intervalOf(options),
    };
    const part = checkedLimit(options);
    const client = await connect(command);
    const page = (part: PageQuery) => client.eachRun({ ...query, ...part });
    await printFound(command, { page, part }, runList);
    client.close();
  });
