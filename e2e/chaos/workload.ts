import { setTimeout } from 'node:timers/promises';
import type { PlanSpec, RunDetail } from '@knitfab/api';
import type { KnitServer } from '../knit-server.ts';

/** Fails if it is not alone with an empty output, and prints one line for each time that it is run. */
const careful = (command: string): string[] => [
  'sh',
  '-c',
  `echo begun; [ -z "$(ls -A /out)" ] || exit 9; ${command}`,
];

const plan = (name: string, inputs: Record<string, string>, command: string): PlanSpec => ({
  image: `host:${name}`,
  entrypoint: careful(command),
  inputs: Object.entries(inputs).map(([path, tag]) => ({ path, tags: [tag] })),
  outputs: [{ path: '/out', tags: [`type:${name}`] }],
  log: { tags: ['type:log'] },
  resources: { cpu: '100m', memory: '64Mi' },
});

const plans = {
  clean: plan('clean', { '/raw': 'type:raw' }, 'sleep 0.1; cp /raw/file /out/file'),
  model: plan(
    'model',
    { '/clean': 'type:clean', '/params': 'type:params' },
    'sleep 0.05; cat /clean/file /params/file > /out/file',
  ),
  /** Writes a log of 1 MiB. */
  loud: plan('loud', { '/raw': 'type:raw' }, 'head -c 1048500 /dev/zero; cp /raw/file /out/file'),
  /** Goes away and leaves a process behind. */
  forking: plan('forking', { '/raw': 'type:raw' }, 'sleep 1000 & cp /raw/file /out/file'),
};

type PlanName = keyof typeof plans;

/** Users at work: what they push, and what they may count on once it was acknowledged. */
export class Workload {
  readonly #server: KnitServer;
  readonly #source: string;
  readonly #planIds = new Map<PlanName, string>();
  /** Data of which the server said that it has them. */
  readonly acknowledged = new Set<string>();
  #params = 0;

  constructor(server: KnitServer, source: string) {
    this.#server = server;
    this.#source = source;
  }

  async begin(): Promise<void> {
    for (const name of Object.keys(plans) as PlanName[]) {
      this.#planIds.set(name, await this.#server.register(plans[name]));
    }
    for (; this.#params < 2; this.#params++) await this.#server.push(this.#source, 'type:params');
  }

  /** Pushes again and again, whatever the server answers, until the signal aborts. */
  async push(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.acknowledged.add(await this.#server.push(this.#source, 'type:raw'));
      } catch {
        // The user is told, and pushes again: what was not acknowledged is nobody's.
      }
      await setTimeout(300, undefined, { signal }).catch(() => {});
    }
  }

  /** What is wrong once everything has come to rest: sentences, none when all is well. */
  async verify(): Promise<string[]> {
    const raw = await this.#server.client.findData({ tag: ['type:raw'] });
    const known = new Set(raw.map((data) => data.knitId));
    const complaints = [...this.acknowledged]
      .filter((knitId) => !known.has(knitId))
      .map((knitId) => `the Data ${knitId} was acknowledged, and is lost`);
    for (const [name, planId] of this.#planIds) {
      const count = raw.length * (name === 'model' ? this.#params : 1);
      complaints.push(
        ...(await this.#verifyRuns(name, await this.#server.finished(planId, count, 200), count)),
      );
    }
    const { findings } = await this.#server.client.examine();
    for (const { rule, breaches } of findings) {
      complaints.push(...breaches.map(({ subject, problem }) => `${subject}: ${problem} (${rule})`));
    }
    return complaints;
  }

  /** @returns how many Runs there are in all */
  async count(): Promise<number> {
    return (await this.#server.client.findRuns({ plan: [...this.#planIds.values()] })).length;
  }

  async #verifyRuns(name: PlanName, runs: RunDetail[], count: number): Promise<string[]> {
    const complaints: string[] = [];
    const combinations = new Set(runs.map((run) => run.inputs.map((input) => input.knitId).join()));
    if (combinations.size !== count || runs.length !== count) {
      complaints.push(
        `${name}: ${count} combinations have ${runs.length} Runs, ${combinations.size} of them different`,
      );
    }
    for (const run of runs) {
      if (run.status !== 'done') {
        complaints.push(`${name}: the Run ${run.runId} is ${run.status}: ${JSON.stringify(run.exit)}`);
      }
      const log = await this.#server.log(run.runId);
      if (!log.startsWith('begun\n') || log.length !== (name === 'loud' ? 1_048_506 : 6)) {
        complaints.push(`${name}: the log of the Run ${run.runId} has ${log.length} characters`);
      }
    }
    return complaints;
  }
}
