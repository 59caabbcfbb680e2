import { extname } from 'node:path';
import type { Graph } from './graph.ts';

/** How a graph is written. */
export type GraphFormat = 'dot' | 'svg' | 'html' | 'text' | 'json';

export const graphFormats: readonly GraphFormat[] = ['dot', 'svg', 'html', 'text', 'json'];

const formatsByEnding: Readonly<Record<string, GraphFormat>> = {
  '.dot': 'dot',
  '.gv': 'dot',
  '.svg': 'svg',
  '.html': 'html',
  '.htm': 'html',
  '.txt': 'text',
  '.json': 'json',
};

/** The format that a file's name asks for. */
export const formatOfFile = (file: string): GraphFormat | undefined =>
  formatsByEnding[extname(file).toLowerCase()];

/**
 * Writes a graph.
 * @param answer of the API, which is what `json` shows
 * @throws {Invalid} when there is too much for a picture
 */
export async function graphAs(format: GraphFormat, graph: Graph, answer: unknown): Promise<string> {
  if (format === 'json') return `${JSON.stringify(answer, null, 4)}\n`;
  if (format === 'text') return (await import('./text.ts')).text(graph);
  if (format === 'dot') return (await import('./dot.ts')).dot(graph);
  const { layout } = await import('./layout/layout.ts');
  const arranged = await layout(graph);
  if (format === 'svg') return (await import('./drawing/svg.ts')).svgFile(graph, arranged);
  return (await import('./page/html.ts')).html(graph, arranged);
}
