import { join } from 'node:path';
import { KnitServer } from '../e2e/knit-server.ts';
import { knit } from '../e2e/knit-user.ts';
import { run, seconds } from './commands.ts';
import type { Figure } from './figure.ts';
import { lastingDirectory } from './leftovers.ts';

export interface Comparison {
  name: string;
  what: string;
  goal: number;
  rounds: number;
  /** Fills a directory with the tree to push. */
  make(directory: string): Promise<void>;
  /** A shell command that does the like with tar from `$source` to `$target`, neither of which is inside the other. */
  tar: string;
}

/**
 * Two figures: how fast `knit data push` and `knit data pull -x` are beside tar, as tar's time ÷ ours, measured by turns.
 */
export function pushedAndPulled({ name, what, goal, rounds, make, tar }: Comparison): Figure[] {
  const common = { unit: '× tar', goal: `≥ ${goal}`, meets: (value: number) => value >= goal };
  const measure = async (direction: 'push' | 'pull') => {
    const server = new KnitServer(await lastingDirectory());
    await server.up();
    const place = await lastingDirectory();
    const source = join(place, 'source');
    await make(source);
    const push = async () => {
      const pushed = await run([...knit, 'data', 'push', '-t', `bench:${name}`, source], {
        env: server.environment,
      });
      return { ...pushed, knitId: /"knitId":\s*"([^"]+)"/.exec(pushed.output)?.[1] ?? '' };
    };
    const first = await push(); // the warm-up
    const values: number[] = [];
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const target = join(place, `tar-${round}`);
      const bare = await seconds(['sh', '-c', `mkdir "$target" && ${tar}`], {
        env: { ...process.env, source, target },
      });
      const pull = [...knit, 'data', 'pull', '-x', first.knitId, join(place, `knit-${round}`)];
      const knitted =
        direction === 'push' ? (await push()).seconds : await seconds(pull, { env: server.environment });
      values.push(bare / knitted);
      ours.push(knitted);
      theirs.push(bare);
    }
    await server.end();
    const mean = (list: number[]) => (list.reduce((sum, each) => sum + each, 0) / list.length).toFixed(2);
    return { values, comparedWith: `${tar}: ${mean(theirs)} s, knit ${mean(ours)} s` };
  };
  return [
    { ...common, name: `${name}:push`, what: `push ${what}`, measure: () => measure('push') },
    { ...common, name: `${name}:pull`, what: `pull ${what}`, measure: () => measure('pull') },
  ];
}
