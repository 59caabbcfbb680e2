import { Command } from 'commander';
import { find } from './find.ts';
import { lineage } from './lineage.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { show } from './show.ts';
import { tag } from './tag.ts';
import { why } from './why.ts';

export const data = new Command('data')
  .addCommand(push)
  .addCommand(pull)
  .addCommand(find)
  .addCommand(show)
  .addCommand(why)
  .addCommand(tag)
  .addCommand(lineage);
