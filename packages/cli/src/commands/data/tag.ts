import { parseKnitId, type Tag } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { texts, userTags } from '../../options/values.ts';
import { dataRecord } from '../../output/data.ts';
import { print } from '../../output/print.ts';
import { startedRunsTable } from '../../output/started-runs.ts';
import { example } from '../example.ts';

interface TagOptions {
  readonly add?: Tag[];
  readonly remove?: Tag[];
  readonly removeKey?: string[];
  readonly dryRun?: boolean;
}

export const tag = new Command('tag')
  .description('remove tags from a Data, then add some')
  .argument('<KNIT_ID>', 'the Data')
  .option('--add <KEY:VALUE>', 'tag to add; may be given several times', userTags)
  .option('--remove <KEY:VALUE>', 'tag to remove; may be given several times', userTags)
  .option('--remove-key <KEY>', 'key of which all tags are removed; may be given several times', texts)
  .option('--dry-run', 'change nothing: only say which Runs would start')
  .addHelpText(
    'after',
    example(
      'knit data tag --remove-key stage --add stage:released KNIT_ID',
      'knit data tag --add stage:released --dry-run KNIT_ID',
    ),
  )
  .action(async (id: string, options: TagOptions, command: Command) => {
    const { add = [], remove = [], removeKey = [], dryRun = false } = options;
    if (add.length + remove.length + removeKey.length === 0) {
      throw new UsageError('nothing to do: give --add, --remove or --remove-key');
    }
    const client = await connect(command);
    const knitId = parseKnitId(id);
    const change = { add, remove, remove_key: removeKey };
    if (dryRun) await print(command, await client.dryRunTags(knitId, change), startedRunsTable);
    else await print(command, await client.tagData(knitId, change), dataRecord);
    client.close();
  });
