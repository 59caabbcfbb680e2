import type { Lineage } from '@knitfab/api';
import { lineageDot } from './dot.ts';

/** Draws a lineage as an SVG picture, with Graphviz as WebAssembly: nothing needs to be installed. */
export async function lineageSvg(lineage: Lineage): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const graphviz = await instance();
  return graphviz.renderString(lineageDot(lineage), { format: 'svg' });
}
