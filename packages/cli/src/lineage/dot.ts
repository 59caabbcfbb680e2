import type { Lineage, LineageData, LineageEdge, RunSummary } from '@knitfab/api';
import { outcomeInWords, planName, transience, userTagsOf } from '../output/describe.ts';

/** Tags beyond this number are counted, not shown. */
const maxTags = 12;
/** Longest line of a label, in characters. */
const maxLine = 60;

const runColours: Readonly<Record<string, string>> = {
  done: '#dcefdc',
  failed: '#f6d5d5',
  aborting: '#f6d5d5',
  deactivated: '#e4e4e4',
};

/** Draws a lineage as Graphviz DOT: Data as boxes with their tags, Runs as ellipses with their Plans, the root in bold. */
export function lineageDot(lineage: Lineage): string {
  const lines = [
    'rankdir=LR;',
    'node [fontname="sans-serif", fontsize=11, style=filled, fillcolor=white];',
    'edge [fontname="sans-serif", fontsize=9, color="#666666"];',
    ...lineage.data.map((data) => dataNode(data, data.knitId === lineage.root)),
    ...lineage.runs.map((run) => runNode(run, run.runId === lineage.root)),
    ...lineage.edges.map(edgeLine),
  ];
  return `digraph lineage {\n${lines.map((line) => `    ${line}`).join('\n')}\n}\n`;
}

function dataNode({ knitId, tags }: LineageData, isRoot: boolean): string {
  const shown = userTagsOf(tags);
  const more = shown.length - maxTags;
  const state = transience(tags);
  const label = [
    knitId,
    ...(state === undefined ? [] : [`(${state})`]),
    ...shown.slice(0, maxTags),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
  const fill = isRoot ? '#ffe9a8' : state === 'failed' ? '#f6d5d5' : '#eaf2fb';
  return node(`data:${knitId}`, label, { shape: 'box', fillcolor: fill, ...(isRoot && { penwidth: '3' }) });
}

function runNode(run: RunSummary, isRoot: boolean): string {
  const label = [planName(run.plan), commandOf(run), outcomeInWords(run)].filter((line) => line !== '');
  const fillcolor = isRoot ? '#ffe9a8' : (runColours[run.status] ?? '#dfe9f7');
  return node(`run:${run.runId}`, label, {
    shape: 'ellipse',
    fillcolor,
    tooltip: run.runId,
    ...(isRoot && { penwidth: '3' }),
  });
}

const commandOf = ({ plan }: RunSummary): string =>
  [...(plan.entrypoint ?? []), ...(plan.args ?? [])].join(' ');

function edgeLine({ runId, knitId, role, path }: LineageEdge): string {
  const [data, run] = [quoted(`data:${knitId}`), quoted(`run:${runId}`)];
  const ends = role === 'input' ? `${data} -> ${run}` : `${run} -> ${data}`;
  return `${ends} [label=${quoted(label(path ?? 'log'))}];`;
}

const node = (name: string, lines: readonly string[], attributes: Readonly<Record<string, string>>): string =>
  `${quoted(name)} [label=${quoted(lines.map(label).join('\\n'))}, ${Object.entries(attributes)
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .join(', ')}];`;

/**
 * A line of a label: shortened, and with nothing left that labels give a meaning: escapes (Graphviz "escString") and
 * entities of HTML.
 */
const label = (text: string): string => shorten(text).replaceAll('\\', '\\\\').replaceAll('&', '&amp;');

const shorten = (text: string): string => {
  const characters = [...text];
  return characters.length > maxLine ? `${characters.slice(0, maxLine - 1).join('')}…` : text;
};

/** A quoted string of DOT, in which only quotation marks need an escape (Graphviz "The DOT Language"). */
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;
