import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';
import { fillWithLineage, lineageRuns, roots } from '../lineage-database.ts';
import { withDatabase } from '../with-database.ts';

const rounds = 5;

const shapes: [string, string, string][] = [
  ['fan', 'one Data that all Runs read', `knitId=${roots.fan}&direction=down&depth=all`],
  ['chain', 'a chain, from its end', `knitId=${roots.chain}&direction=up&depth=all`],
];

/** A graph of 100,000 nodes in one answer. */
export const lineage: Figure[] = shapes.map(([shape, what, query]) => ({
  name: `lineage:${shape}`,
  what: `one request for ${2 * lineageRuns} nodes, ${what}, ${rounds} times`,
  unit: 's',
  goal: '≤ 1',
  meets: (value) => value <= 1,
  async measure() {
    await using server = await KnitServer.start();
    await withDatabase(await server.databaseUrl(), fillWithLineage);
    const ask = async (asked: string) => {
      const begun = performance.now();
      const answer = await fetch(`${server.client.apiRoot}/lineage?${asked}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return { seconds: (performance.now() - begun) / 1000, text };
    };
    const values: number[] = [];
    let bytes = 0;
    for (let round = 0; round <= rounds; round++) {
      const { seconds, text } = await ask(query);
      // The first one is the warm-up.
      if (round > 0) values.push(seconds);
      const { data, runs } = JSON.parse(text);
      if (data.length + runs.length < 2 * lineageRuns) throw new Error('the graph is not whole');
      bytes = text.length;
    }
    const near = await ask(query.replace('depth=all', 'depth=3'));
    return {
      values,
      comparedWith: `an answer of ${(bytes / 1e6).toFixed(0)} MB; with depth=3: ${near.seconds.toFixed(2)} s`,
    };
  },
}));
