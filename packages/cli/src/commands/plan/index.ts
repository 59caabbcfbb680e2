import { Command } from 'commander';
import { active } from './active.ts';
import { annotate } from './annotate.ts';
import { apply } from './apply.ts';
import { find } from './find.ts';
import { graph } from './graph.ts';
import { resource } from './resource.ts';
import { schedule } from './schedule.ts';
import { serviceaccount } from './serviceaccount.ts';
import { show } from './show.ts';
import { template } from './template.ts';

export const plan = new Command('plan')
  .addCommand(template)
  .addCommand(apply)
  .addCommand(show)
  .addCommand(find)
  .addCommand(graph)
  .addCommand(active)
  .addCommand(resource)
  .addCommand(annotate)
  .addCommand(schedule)
  .addCommand(serviceaccount);
