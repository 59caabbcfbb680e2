import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';
import { Hops } from '../hops.ts';

const rounds = 30;

/** A push is acknowledged → the process of the Run that it starts says that it runs. */
export const hop: Figure = {
  name: 'hop',
  what: `push acknowledged → the next Run's process started, ${rounds} times`,
  unit: 'ms',
  goal: '≤ 50',
  meets: (value) => value <= 50,
  async measure() {
    await using server = await KnitServer.start();
    await using hops = await Hops.on(server);
    const values: number[] = [];
    for (let round = 0; round < rounds; round++) values.push(await hops.next());
    return { values, comparedWith: "the clock that `date` read as the Run's process" };
  },
};
