import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { commonOptionsOf } from '../connect.ts';
import { UsageError } from '../exit.ts';
import type { GraphOptions } from '../options/graph.ts';
import { escapedInQuotes } from '../output/harmless.ts';
import { note } from '../output/print.ts';
import { formatOfFile, type GraphFormat, graphAs } from './formats.ts';
import type { Graph } from './graph.ts';

/**
 * Writes a graph to stdout or into a file.
 * @param answer of the API
 */
export async function writeGraph(
  command: Command,
  options: GraphOptions,
  graph: Graph,
  answer: unknown,
): Promise<void> {
  const format = formatOf(command, options);
  const text = await graphAs(format, graph, answer);
  if (options.out !== undefined) return await writeFile(options.out, text);
  const onTerminal = process.stdout.isTTY;
  process.stdout.write(onTerminal && format === 'json' ? escapedInQuotes(text) : text);
  if (onTerminal && options.format === undefined && format === 'dot') {
    note(
      'This is Graphviz DOT. --format text shows a tree, --format svg a picture, --format html a page to explore.',
    );
  }
}

/** What is asked for, by `--format`, the name of the file, or `--output`. */
function formatOf(command: Command, { format, out }: GraphOptions): GraphFormat {
  if (format !== undefined) return format;
  const { output } = commonOptionsOf(command);
  if (output === 'yaml') throw new UsageError('graphs are not written as YAML: say --output json');
  if (output !== undefined) return output === 'json' ? 'json' : 'text';
  return (out !== undefined && formatOfFile(out)) || 'dot';
}
