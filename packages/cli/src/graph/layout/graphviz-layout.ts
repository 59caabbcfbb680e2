import type { Cards, Layout, Point } from './layout.ts';

/** What Graphviz tells of a graph in its format "json0": lengths in points, upwards from the lower left corner. */
interface Arrangement {
  readonly bb: string;
  readonly objects?: readonly { readonly name: string; readonly pos: string }[];
  readonly edges?: readonly { readonly id: string; readonly pos: string }[];
}

const margin = 24;
const rowGap = 24;

/** Graphviz's inch, in pixels. */
const inch = 72;

/** From here on Graphviz is content with fewer improvements, for a fifth of the time. */
const manyElements = 2_000;
const lessEffort = 'nslimit=1; nslimit1=1; mclimit=0.3;';

/**
 * Lets Graphviz, as WebAssembly, arrange cards from left to right. It sees sizes and numbers only, so that no text is a matter
 * of its language.
 */
export async function graphvizLayout({ cards, edges, gap }: Cards): Promise<Layout> {
  const { instance } = await import('@viz-js/viz');
  const graphviz = await instance();
  const statements = [
    `rankdir=LR; ranksep=${gap / inch}; nodesep=${rowGap / inch};`,
    cards.length + edges.length > manyElements ? lessEffort : '',
    'node [shape=box, fixedsize=true, label=""]; edge [dir=none];',
    ...cards.map(({ width, height }, index) => `${index} [width=${width / inch}, height=${height / inch}];`),
    // An edge leaves on the right and arrives on the left, as the time goes.
    ...edges.map(({ source, target }, index) => `${source}:e -> ${target}:w [id=${index}];`),
  ];
  const json = graphviz.renderString(`digraph { ${statements.join('\n')} }`, { format: 'json0' });
  const { bb, objects = [], edges: courses = [] } = JSON.parse(json) as Arrangement;
  const [, , width = 0, height = 0] = bb.split(',').map(Number);
  const fromTop = ({ x, y }: Point): Point => ({ x: x + margin, y: height - y + margin });
  const corners: Point[] = [];
  for (const { name, pos } of objects) {
    const index = Number(name);
    const middle = fromTop(point(pos));
    const { width: across = 0, height: down = 0 } = cards[index] ?? {};
    corners[index] = { x: middle.x - across / 2, y: middle.y - down / 2 };
  }
  const curves: Point[][] = [];
  for (const { id, pos } of courses) curves[Number(id)] = pos.split(' ').map(point).map(fromTop);
  return { width: width + 2 * margin, height: height + 2 * margin, corners, curves };
}

function point(text: string): Point {
  const [x = 0, y = 0] = text.split(',').map(Number);
  return { x, y };
}
