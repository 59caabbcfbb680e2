import { parsePlanId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { annotations, texts } from '../../options/values.ts';
import { planRecord } from '../../output/plan.ts';
import { print } from '../../output/print.ts';
import { example } from '../example.ts';

interface AnnotateOptions {
  readonly add?: string[];
  readonly remove?: string[];
  readonly removeKey?: string[];
}

export const annotate = new Command('annotate')
  .description('remove annotations from a Plan, then add some')
  .argument('<PLAN_ID>', 'the Plan')
  .option('--add <KEY=VALUE>', 'annotation to add; may be given several times', annotations)
  .option('--remove <KEY=VALUE>', 'annotation to remove; may be given several times', annotations)
  .option('--remove-key <KEY>', 'key of which all annotations are removed; may be given several times', texts)
  .addHelpText('after', example('knit plan annotate --add owner=alice PLAN_ID'))
  .action(
    async (planId: string, { add = [], remove = [], removeKey = [] }: AnnotateOptions, command: Command) => {
      if (add.length + remove.length + removeKey.length === 0) {
        throw new UsageError('nothing to do: give --add, --remove or --remove-key');
      }
      const client = await connect(command);
      const plan = await client.annotatePlan(parsePlanId(planId), { add, remove, remove_key: removeKey });
      await print(command, plan, planRecord);
      client.close();
    },
  );
