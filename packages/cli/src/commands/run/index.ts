import { Command } from 'commander';
import { find } from './find.ts';
import { retry } from './retry.ts';
import { rm } from './rm.ts';
import { show } from './show.ts';
import { stop } from './stop.ts';
import { wait } from './wait.ts';

export const run = new Command('run')
  .addCommand(find)
  .addCommand(show)
  .addCommand(wait)
  .addCommand(stop)
  .addCommand(retry)
  .addCommand(rm);
