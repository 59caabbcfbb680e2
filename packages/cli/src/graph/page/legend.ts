import { signs } from '../drawing/card.ts';
import type { Graph, Progress } from '../graph.ts';

/** What the looks of cards mean, of those that occur. */
export function legend({ nodes, ends }: Graph): string {
  const kinds = new Set(nodes.map(({ kind }) => kind));
  const progresses = new Set(nodes.map(({ progress }) => progress));
  const entries = [
    ...(kinds.has('Data') ? [{ classes: 'data', says: 'Data' }] : []),
    ...(kinds.has('Plan') ? [{ classes: 'plan', says: 'Plan' }] : []),
    ...meanings
      .filter(([progress]) => progresses.has(progress))
      .map(([progress, says]) => ({
        classes: progress.replace(' ', '-'),
        says: `${progress === 'done' ? 'Run ' : ''}${signs[progress]} ${says}`,
      })),
    { classes: `${kinds.has('Plan') ? 'plan' : 'data'} root`, says: 'where the graph starts' },
  ];
  const more = ends.up.size + ends.down.size > 0 ? ['<li><i>… more</i> not followed any further</li>'] : [];
  return `<details class="legend" open>
<summary>Legend</summary>
<ul>
${entries.map(({ classes, says }) => `<li>${sample(classes)} ${says}</li>`).join('\n')}
${more.join('\n')}
</ul>
<p>Arrow keys go from card to card, Enter tells more, / searches, + − 0 zoom.</p>
</details>`;
}

const meanings: readonly (readonly [Progress, string])[] = [
  ['done', 'done'],
  ['under way', 'under way'],
  ['waiting', 'waiting, or deactivated'],
  ['failed', 'failed, or failing'],
];

const sample = (classes: string): string =>
  `<svg class="sample node ${classes}" viewBox="-3 -3 36 22" width="36" height="22" aria-hidden="true"><rect class="card" width="30" height="16" rx="4"/><path class="accent" d="M4 0 A4 4 0 0 0 0 4 V12 A4 4 0 0 0 4 16 z"/></svg>`;
