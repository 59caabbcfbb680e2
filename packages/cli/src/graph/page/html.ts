import { createHash } from 'node:crypto';
import { drawing } from '../drawing/svg.ts';
import { escaped } from '../drawing/xml.ts';
import type { Graph } from '../graph.ts';
import type { Arranged } from '../layout/layout.ts';
import { embeddedJson, pageContent } from './content.ts';
import { legend } from './legend.ts';
import { pageScript } from './script.ts';
import { pageStyle } from './style.ts';

/**
 * A page in which to explore a graph: one file that needs nothing else, neither the network nor a server. Its policy (W3C
 * "Content Security Policy Level 3") allows this very script and style and nothing more, whatever the texts of the graph hold.
 */
export function html(graph: Graph, arranged: Arranged): string {
  const script = pageScript();
  const { width, height } = arranged;
  const policy = [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(pageStyle)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Knitfab">
<title>${escaped(graph.title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<div class="title"><h1>${escaped(graph.title)}</h1><p>${escaped(summary(graph))}</p></div>
<div class="tools" role="search">
<input id="search" type="search" placeholder="Find by id, tag, image …" aria-label="Find by id, tag, image" autocomplete="off" spellcheck="false">
<output id="count" for="search" aria-live="polite"></output>
<button id="previous" type="button" title="Previous match (Shift-Enter)" aria-label="Previous match">↑</button>
<button id="next" type="button" title="Next match (Enter)" aria-label="Next match">↓</button>
</div>
</header>
<main>
<svg id="graph" xmlns="http://www.w3.org/2000/svg" role="group" aria-label="${escaped(graph.title)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}">
<g id="world">
${drawing(arranged)}
</g>
</svg>
<div class="zoom">
<button id="zoom-in" type="button" title="Zoom in (+)" aria-label="Zoom in">+</button>
<button id="zoom-out" type="button" title="Zoom out (-)" aria-label="Zoom out">−</button>
<button id="fit" type="button" title="Show everything (0)" aria-label="Show everything"><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"/></svg></button>
<button id="root" type="button" title="Back to the start" aria-label="Back to the start">◎</button>
</div>
${legend(graph)}
</main>
<aside id="details" aria-label="Details" tabindex="-1" hidden></aside>
<script id="content" type="application/json">${embeddedJson(pageContent(arranged))}</script>
<script>${script}</script>
</body>
</html>
`;
}

const digest = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** What a graph holds: `9 Data · 8 Runs`. */
function summary({ nodes, ends }: Graph): string {
  const counts = Map.groupBy(nodes, ({ kind }) => kind)
    .entries()
    .map(([kind, { length }]) => `${length} ${kind === 'Data' || length === 1 ? kind : `${kind}s`}`);
  const cutOff =
    ends.up.size + ends.down.size > 0 ? ['there is more beyond the depth that was asked for'] : [];
  return [...counts, ...cutOff].join(' · ');
}
