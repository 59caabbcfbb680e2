import { KnitServer } from '../../e2e/knit-server.ts';
import { type Figure, middle } from '../figure.ts';
import { Hops } from '../hops.ts';
import { fillDatabase, type Scale } from '../scale-database.ts';
import { withDatabase } from '../with-database.ts';

const rounds = 40;

/** Half of the finished Runs are uploads. */
const short: Scale = { uploads: 50, plans: 1, runs: 50 };
const long: Scale = { uploads: 50_000, plans: 500, runs: 50_000 };

async function serverWith(scale: Scale): Promise<KnitServer> {
  const server = await KnitServer.start();
  await withDatabase(await server.databaseUrl(), (database) => fillDatabase(database, scale));
  return server;
}

/** Whether what has been done makes what is to be done slower. */
export const history: Figure = {
  name: 'history',
  what: `hop after 100,000 finished Runs ÷ hop after 100, by turns, ${rounds} times`,
  unit: '×',
  goal: '≤ 1.2',
  meets: (value) => value <= 1.2,
  async measure() {
    await using young = await serverWith(short);
    await using old = await serverWith(long);
    await using early = await Hops.on(young);
    await using late = await Hops.on(old);
    const times: { early: number; late: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      // Who goes first changes, for one's end may disturb the other's beginning.
      const first = round % 2 === 0 ? await early.next() : undefined;
      const second = await late.next();
      times.push({ early: first ?? (await early.next()), late: second });
    }
    const median = (which: 'early' | 'late') =>
      middle(times.map((each) => each[which]).sort((a, b) => a - b));
    return {
      values: times.map((each) => each.late / each.early),
      comparedWith: `${median('late').toFixed(0)} ms and ${median('early').toFixed(0)} ms`,
    };
  },
};
