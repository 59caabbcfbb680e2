/// <reference lib="dom" />
import { openCamera } from './camera.ts';
import type { PageContent } from './content.ts';
import { openDetails } from './details.ts';
import { openKeyboard } from './keyboard.ts';
import { openSearch } from './search.ts';

const parts = { openCamera, openDetails, openKeyboard, openSearch };

/** Brings the page to life. Part of its script: it refers to nothing outside itself. */
function start({ openCamera, openDetails, openKeyboard, openSearch }: typeof parts): void {
  const element = <Shape extends Element>(selector: string): Shape =>
    document.querySelector(selector) as Shape;
  const content = JSON.parse(element('#content').textContent ?? '') as PageContent;
  const svg = element<SVGSVGElement>('#graph');
  const input = element<HTMLInputElement>('#search');
  const panel = element<HTMLElement>('#details');
  const cards = [...svg.querySelectorAll<SVGGElement>('.node')];
  const edges = [...svg.querySelectorAll<SVGGElement>('.edge')];
  // What is under the pointer is told in the panel, and to screen readers by labels.
  for (const title of svg.querySelectorAll('.node > title')) title.remove();

  const camera = openCamera(svg, content);
  const details = openDetails(panel, content, go);
  const keyboard = openKeyboard({ svg, input }, content, { camera, select, close: details.hide });
  const search = openSearch({ svg, input, count: element('#count') }, content, (index) => {
    camera.reveal(index);
    select(index);
  });

  /** Tells about a card, and lets what it is connected with stand out. */
  function select(index: number): void {
    mark(index);
    details.show(index);
  }

  function mark(index: number | undefined): void {
    for (const [each, card] of cards.entries()) card.classList.toggle('selected', each === index);
    for (const [each, edge] of edges.entries()) {
      const { source, target } = content.edges[each] ?? {};
      edge.classList.toggle('near', index !== undefined && (source === index || target === index));
    }
  }

  function go(index: number): void {
    keyboard.focus(index);
    select(index);
  }

  svg.addEventListener('click', (event) => {
    const card = (event.target as Element).closest<SVGGElement>('.node');
    if (card === null || camera.wasDragged()) return;
    go(Number(card.dataset.index));
  });
  panel.addEventListener('close', () => mark(undefined));
  const actions: Record<string, () => void> = {
    'zoom-in': () => camera.zoom(1.25),
    'zoom-out': () => camera.zoom(0.8),
    fit: () => camera.fit(),
    root: () => go(content.root),
    previous: () => search.step(-1),
    next: () => search.step(1),
  };
  for (const [id, act] of Object.entries(actions)) element(`#${id}`).addEventListener('click', act);
  if (innerWidth < 700) element('.legend').removeAttribute('open');
  document.documentElement.classList.add('ready');
  camera.begin(content.root);
}

/**
 * The script of the page, in one text: each part is a function that refers to nothing outside itself, so that its own source
 * says all.
 */
export const pageScript = (): string =>
  `'use strict';\n(${start})({${Object.entries(parts)
    .map(([name, part]) => `${name}: ${part}`)
    .join(',\n')}});`;
