import type { Graph } from '../graph.ts';
import type { Arranged, Point } from '../layout/layout.ts';
import { type Card, lineHeight, textStart, titleHeight } from './card.ts';
import { shownLabel } from './edge-label.ts';
import { drawingStyle, lightColours } from './style.ts';
import { escaped } from './xml.ts';

/** A picture that stands for itself. */
export function svgFile(graph: Graph, arranged: Arranged): string {
  const [width, height] = [Math.ceil(arranged.width), Math.ceil(arranged.height)];
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escaped(graph.title)}</title>
<style>:root { ${lightColours} }
${drawingStyle}</style>
<rect class="paper" width="${width}" height="${height}"/>
${drawing(arranged)}
</svg>
`;
}

/** The content of a picture: edges, and cards over them, each with its number in `data-index`. */
export function drawing({ cards, corners, edges, curves }: Arranged): string {
  return [
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 1 L10 5 L0 9 z"/></marker></defs>',
    '<g class="edges">',
    ...edges.map(({ label }, index) => edgeDrawing(curves[index] ?? [], label, index)),
    '</g>',
    '<g class="nodes">',
    ...cards.map((card, index) => cardDrawing(card, corners[index] ?? { x: 0, y: 0 }, index)),
    '</g>',
  ].join('\n');
}

function edgeDrawing(curve: readonly Point[], label: string, index: number): string {
  const [start, ...rest] = curve.map(({ x, y }) => `${round(x)} ${round(y)}`);
  const { x, y } = middleOf(curve);
  return `<g class="edge" data-index="${index}"><path d="M${start ?? '0 0'}${rest.length > 0 ? ` C${rest.join(' ')}` : ''}" marker-end="url(#arrow)"/><text x="${round(x)}" y="${round(y - 5)}">${escaped(shownLabel(label))}</text></g>`;
}

/** The middle of the middle one of the curves that an edge consists of. */
function middleOf(curve: readonly Point[]): Point {
  const pieces = Math.floor((curve.length - 1) / 3);
  const at = 3 * Math.floor(pieces / 2);
  const [a, b, c, d] = curve.slice(at, at + 4);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return a ?? { x: 0, y: 0 };
  return { x: (a.x + 3 * b.x + 3 * c.x + d.x) / 8, y: (a.y + 3 * b.y + 3 * c.y + d.y) / 8 };
}

function cardDrawing(card: Card, { x, y }: Point, index: number): string {
  const { node, isRoot, title, outcome, lines, more, radius, width, height } = card;
  const { kind, progress, id } = node;
  const classes = [
    ...['node', kind.toLowerCase()],
    ...(progress ? [progress.replace(' ', '-')] : []),
    ...(isRoot ? ['root'] : []),
  ];
  const left = textStart(radius);
  const line = (content: string, index: number): string =>
    `<text class="line" x="${left}" y="${titleHeight + index * lineHeight + 9}">${content}</text>`;
  return [
    `<g class="${classes.join(' ')}" data-index="${index}" transform="translate(${round(x)} ${round(y)})">`,
    `<title>${escaped(`${kind} ${id}`)}</title>`,
    `<rect class="card" width="${width}" height="${height}" rx="${radius}"/>`,
    `<path class="accent" d="${leftSide(radius, height)}"/>`,
    `<text class="title" x="${left}" y="${titleHeight / 2 + 5}">${escaped(title)}</text>`,
    `<text class="kind" x="${width - 12}" y="${titleHeight / 2 + 4}">${kind}</text>`,
    ...[
      ...(outcome === undefined ? [] : [`<tspan class="outcome">${escaped(outcome)}</tspan>`]),
      ...lines.map(kind === 'Data' ? tag : escaped),
    ].map(line),
    ...(more.up ? ['<text class="more" x="0" y="-8">… more</text>'] : []),
    ...(more.down ? [`<text class="more end" x="${width}" y="${height + 17}">… more</text>`] : []),
    '</g>',
  ].join('');
}

/** The part of a card with round corners that is left of where they end. */
const leftSide = (radius: number, height: number): string =>
  `M${radius} 0 A${radius} ${radius} 0 0 0 0 ${radius} V${height - radius} A${radius} ${radius} 0 0 0 ${radius} ${height} z`;

/** A tag, its key less prominent than its value. */
function tag(text: string): string {
  const colon = text.indexOf(':') + 1;
  return colon === 0
    ? escaped(text)
    : `<tspan class="key">${escaped(text.slice(0, colon))}</tspan>${escaped(text.slice(colon))}`;
}

const round = (length: number): number => Math.round(length * 10) / 10;
