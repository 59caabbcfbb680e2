import type { Command } from 'commander';
import { UsageError } from '../exit.ts';
import { duration, since } from './values.ts';

/** Adds the options for an interval of time. */
export const withInterval = (command: Command): Command =>
  command
    .option(
      '--since <TIME>',
      'only what changed at this time or later: 2024-03-06, 2024-03-06T09:25+09:00',
      since,
    )
    .option('--duration <DURATION>', 'only what changed within this time from --since: 90s, 24h', duration);

/** What was given of them, to ask the server with. */
export function intervalOf(options: { since?: string; duration?: string }): {
  since?: string;
  duration?: string;
} {
  if (options.duration !== undefined && options.since === undefined) {
    throw new UsageError('--duration needs --since: it is counted from there');
  }
  return {
    ...(options.since !== undefined && { since: options.since }),
    ...(options.duration !== undefined && { duration: options.duration }),
  };
}
