import { harmless } from '../output/harmless.ts';
import { shortened } from '../output/text-width.ts';
import { type Graph, type GraphEdge, type GraphNode, type Progress, shortId } from './graph.ts';

/** Lines beyond this number are counted, not shown. */
const maxLines = 12;
/** Longest line of a label, in columns. */
const maxWidth = 60;

type Attributes = Readonly<Record<string, string>>;

/** Colours, and borders that can be told apart without them. */
const looks: Readonly<Record<Progress | 'Data' | 'Plan', Attributes>> = {
  Data: { fillcolor: '#eaf2fb' },
  Plan: { fillcolor: '#efeafb' },
  done: { fillcolor: '#dcefdc' },
  failed: { fillcolor: '#f6d5d5', peripheries: '2' },
  'under way': { fillcolor: '#fff3cf', style: 'filled,dashed' },
  waiting: { fillcolor: '#ececec', style: 'filled,dotted' },
};

const shapes: Readonly<Record<GraphNode['kind'], string>> = {
  Data: 'box',
  Run: 'ellipse',
  Plan: 'component',
};

/**
 * Writes a graph in Graphviz's language (graphviz.org, "DOT Language"): the root in bold, and whatever the texts hold, they
 * are shown as they are.
 */
export function dot(graph: Graph): string {
  const lines = [
    `label=${quoted(graph.title)};`,
    'rankdir=LR;',
    'fontname="sans-serif"; fontsize=9; fontcolor="#666666";',
    'node [fontname="sans-serif", fontsize=11, style=filled];',
    'edge [fontname="sans-serif", fontsize=9, color="#666666"];',
    ...graph.nodes.map((node) => nodeStatement(node, graph)),
    ...graph.edges.map(edgeStatement),
  ];
  return `digraph ${quoted(graph.title)} {\n${lines.map((line) => `    ${line}`).join('\n')}\n}\n`;
}

function nodeStatement(node: GraphNode, { root, ends }: Graph): string {
  const { id, kind, name, lines, progress } = node;
  const isRoot = id === root;
  const rest = lines.length - maxLines;
  const label = [
    kind === 'Data' ? `${kind} ${name}` : name,
    ...lines.slice(0, maxLines),
    ...(rest > 0 ? [`… and ${rest} more`] : []),
    ...(kind === 'Data' ? [] : [`${kind} ${shortId(id)}`]),
  ].map(shownLine);
  if (ends.up.has(id)) label.unshift('… more');
  if (ends.down.has(id)) label.push('… more');
  return `${quoted(id)} [label=${quoted(label, '\\n')}${written({
    shape: shapes[kind],
    ...looks[progress ?? (kind === 'Plan' ? 'Plan' : 'Data')],
    tooltip: `${kind} ${id}`,
    ...(isRoot && { penwidth: '3', color: '#c77700' }),
  })}];`;
}

const edgeStatement = ({ from, to, label }: GraphEdge): string =>
  `${quoted(from)} -> ${quoted(to)} [label=${quoted(shownLine(label))}];`;

const written = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(([name, value]) => `, ${name}=${quoted(value)}`)
    .join('');

const shownLine = (text: string): string => shortened(text, maxWidth);

/**
 * A quoted string, whose lines mean nothing but themselves: not quotation marks (the language's only escape), nor backslashes
 * (Graphviz "escString"), nor entities of HTML.
 */
const quoted = (text: string | readonly string[], lineBreak = ''): string =>
  `"${[text]
    .flat()
    .map((line) => harmless(line).replaceAll('\\', '\\\\').replaceAll('&', '&amp;').replaceAll('"', '\\"'))
    .join(lineBreak)}"`;
