import { type Command, Option } from 'commander';
import type { Extent } from '../graph/fetch/extent.ts';
import { type GraphFormat, graphFormats } from '../graph/formats.ts';
import { depth } from './values.ts';

/** The options of commands that draw a graph. */
export interface GraphOptions {
  readonly upstream?: boolean;
  readonly downstream?: boolean;
  readonly numbers: number | 'all';
  readonly format?: GraphFormat;
  readonly out?: string;
}

/**
 * Adds them to a command.
 * @param says what lies in each direction, and what depths are counted in
 */
export const withGraphOptions = (
  command: Command,
  says: { readonly upstream: string; readonly downstream: string; readonly unit: string },
): Command =>
  command
    .option('-u, --upstream', `only ${says.upstream}`)
    .option('-d, --downstream', `only ${says.downstream}`)
    .option('-n, --numbers <N|all>', `how many ${says.unit} far`, depth, 3)
    .addOption(
      new Option(
        '--format <FORMAT>',
        'Graphviz (the default), a picture, a page to explore offline, a tree, or data',
      ).choices(graphFormats),
    )
    .option(
      '-o, --out <FILE>',
      'write to a file; its ending chooses the format: .html, .svg, .dot, .txt, .json',
    );

export function extentOf({ upstream = false, downstream = false, numbers }: GraphOptions): Extent {
  const direction = upstream === downstream ? 'both' : upstream ? 'up' : 'down';
  return { direction, depth: numbers };
}
