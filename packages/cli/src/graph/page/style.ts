import { darkColours, drawingStyle, lightColours } from '../drawing/style.ts';

const sans = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", sans-serif';
const mono =
  'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace';

/** The style of the page: light or dark as the reader's system is, and fit for paper. */
export const pageStyle = `
:root { color-scheme: light dark; ${lightColours} --shadow: 0 1px 3px rgb(20 30 45 / 12%), 0 6px 20px rgb(20 30 45 / 8%); }
@media screen and (prefers-color-scheme: dark) { :root { ${darkColours} --shadow: 0 1px 3px rgb(0 0 0 / 45%), 0 6px 20px rgb(0 0 0 / 35%); } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: grid; grid-template: auto 1fr / 1fr auto; font: 14px/1.45 ${sans}; color: var(--ink); background: var(--paper); overflow: hidden; }
header { grid-column: 1 / 3; display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; padding: 9px 16px; background: var(--card); border-bottom: 1px solid var(--line); z-index: 1; }
.title { flex: 1 1 auto; min-width: 0; }
h1 { margin: 0; font: 600 14px ${mono}; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header p { margin: 1px 0 0; color: var(--muted); font-size: 12.5px; }
.tools { display: none; align-items: center; gap: 6px; }
.ready .tools { display: flex; }
#search { width: min(280px, 60vw); padding: 6px 10px; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 7px; }
#count { min-width: 4.5em; color: var(--muted); font-size: 12.5px; font-variant-numeric: tabular-nums; }
button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 4px 9px; cursor: pointer; }
button:hover { border-color: var(--flow); }
:focus-visible { outline: 3px solid var(--data); outline-offset: 2px; }
main { position: relative; min-width: 0; min-height: 0; }
#graph { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: grab; user-select: none; }
#graph:active { cursor: grabbing; }
.zoom { position: absolute; right: 14px; bottom: 14px; display: none; flex-direction: column; gap: 6px; }
.ready .zoom { display: flex; }
.zoom button { width: 36px; height: 36px; padding: 0; font-size: 17px; line-height: 1; box-shadow: var(--shadow); }
.zoom path { fill: none; stroke: currentcolor; stroke-width: 1.6; }
.legend { position: absolute; left: 14px; bottom: 14px; max-width: 270px; padding: 8px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 9px; box-shadow: var(--shadow); font-size: 12.5px; }
.legend summary { cursor: pointer; color: var(--muted); }
.legend ul { list-style: none; margin: 6px 0; padding: 0; }
.legend li { display: flex; align-items: center; gap: 8px; }
.legend p { margin: 6px 0 2px; color: var(--muted); }
.sample { flex: none; }
aside { width: 380px; max-width: 100vw; overflow: auto; padding: 14px 18px 24px; background: var(--card); border-left: 1px solid var(--line); }
aside[hidden] { display: none; }
aside h2 { margin: 0 0 4px; font: 600 16px ${mono}; overflow-wrap: anywhere; }
aside h3 { margin: 16px 0 4px; font-size: 12px; font-weight: 600; color: var(--muted); }
aside p { margin: 0; }
aside .kind { color: var(--muted); font-size: 12.5px; }
aside ul { list-style: none; margin: 0; padding: 0; font: 12.5px/1.5 ${mono}; }
aside li { padding: 1px 0; overflow-wrap: anywhere; white-space: pre-wrap; }
aside code { font: 12px ${mono}; overflow-wrap: anywhere; }
aside button { padding: 1px 8px; font-size: 12px; text-align: left; overflow-wrap: anywhere; }
aside .close { float: right; border: 0; font-size: 20px; line-height: 1; padding: 2px 8px; }
aside .none { color: var(--muted); font-style: italic; }
.key { color: var(--muted); }
${drawingStyle}
#graph .node { cursor: pointer; outline: none; }
#graph .node:hover .card { stroke: var(--flow); }
#graph .node.root:hover .card { stroke: var(--root); }
#graph .node:focus-visible .card, #graph .node.selected .card { stroke: var(--data); stroke-width: 3.5; stroke-dasharray: none; }
#graph .edge.near path { stroke: var(--data); stroke-width: 2.5; }
#graph .edge.near text { fill: var(--ink); }
#graph.far text { display: none; }
#graph.searching .node:not(.match, .selected), #graph.searching .edge:not(.near) { opacity: .28; }
#graph.searching .match .card { stroke: var(--ink); stroke-width: 2.5; stroke-dasharray: none; fill: var(--match); }
#graph.far .edge path { stroke-width: 3; }
@media (max-width: 700px) {
  body { grid-template: auto 1fr auto / 1fr; }
  header { grid-column: 1; }
  aside { width: 100vw; max-height: 50vh; border: 0; border-top: 1px solid var(--line); }
  .legend { max-width: 210px; }
}
@media (prefers-reduced-motion: no-preference) { #graph .card { transition: stroke .12s, fill .12s; } }
@media print {
  @page { size: landscape; margin: 10mm; }
  :root { --paper: #ffffff; }
  body { display: block; overflow: visible; }
  header { border: 0; padding: 0 0 4mm; }
  .tools, .zoom, aside, .legend p, .ready .tools, .ready .zoom { display: none !important; }
  main { height: 165mm; }
  .legend { box-shadow: none; bottom: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
