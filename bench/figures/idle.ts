import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const settle = 5_000;
const watched = 60_000;
/** Clock ticks per second, of which /proc counts (proc(5)); 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time of a process so far, in seconds. */
async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** A server that has nothing to do. */
export const idle: Figure[] = [
  {
    name: 'idle:cpu',
    what: `an idle server's processor time over ${watched / 1000} s`,
    unit: '% of a core',
    goal: '≤ 0.5',
    meets: (value) => value <= 0.5,
    async measure() {
      await using server = await KnitServer.start();
      await setTimeout(settle);
      const before = await processorSeconds(server.pid);
      await setTimeout(watched);
      return {
        values: [(((await processorSeconds(server.pid)) - before) / (watched / 1000)) * 100],
        comparedWith: 'without PostgreSQL',
      };
    },
  },
  {
    name: 'idle:memory',
    what: "an idle server's resident memory",
    unit: 'MiB',
    goal: '≤ 150',
    meets: (value) => value <= 150,
    async measure() {
      await using server = await KnitServer.start();
      await setTimeout(settle);
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
      return {
        values: [Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024],
        comparedWith: 'without PostgreSQL',
      };
    },
  },
];
