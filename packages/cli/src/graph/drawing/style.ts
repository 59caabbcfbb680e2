// Colours that can be read on each other (WCAG 2.2, contrast of at least 4.5), on paper and on screens.

export const lightColours = `
  --paper: #f7f8fa; --card: #ffffff; --ink: #17202b; --muted: #5b6675; --line: #d3dae3; --flow: #8d99a8;
  --data: #2563c9; --plan: #6d44b8; --done: #1b7a46; --failed: #bf2a35; --under-way: #946200; --waiting: #68737f;
  --root: #d97706; --match: #ffd54a; --accent-ink: #ffffff;`;

export const darkColours = `
  --paper: #12161c; --card: #1c232c; --ink: #e6ebf2; --muted: #9aa7b7; --line: #35404d; --flow: #64717f;
  --data: #6aa5ff; --plan: #b494f5; --done: #56c58a; --failed: #ff7b84; --under-way: #e3b341; --waiting: #97a3b0;
  --root: #f5a524; --match: #4d3c05; --accent-ink: #12161c;`;

/** How cards and edges look, from colours that are named as above. What a colour tells, a border or a sign tells too. */
export const drawingStyle = `
.paper { fill: var(--paper); }
.node { --accent: var(--data); }
.node.plan { --accent: var(--plan); }
.node.done { --accent: var(--done); }
.node.failed { --accent: var(--failed); }
.node.under-way { --accent: var(--under-way); }
.node.waiting { --accent: var(--waiting); }
.node text { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace; fill: var(--ink); white-space: pre; }
.node text.title { font: 600 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", sans-serif; }
.node.data text.title { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.node text.kind { font: 10px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: var(--muted); text-anchor: end; }
.node text.more { fill: var(--muted); font-style: italic; }
.node text.more.end { text-anchor: end; }
.node .outcome { fill: var(--accent); font-weight: 600; }
.node .key { fill: var(--muted); }
.card { fill: var(--card); stroke: var(--line); stroke-width: 1; }
.accent { fill: var(--accent); }
.node.failed .card { stroke: var(--failed); stroke-width: 2.5; }
.node.under-way .card { stroke: var(--under-way); stroke-width: 1.5; stroke-dasharray: 6 4; }
.node.waiting .card { stroke: var(--waiting); stroke-width: 1.5; stroke-dasharray: 1.5 3.5; stroke-linecap: round; }
.node.root .card { stroke: var(--root); stroke-width: 3.5; }
.edge path { fill: none; stroke: var(--flow); stroke-width: 1.5; }
.edge text { font: 10px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace; fill: var(--muted); text-anchor: middle; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.tip { fill: var(--flow); }
`;
