import { setTimeout } from 'node:timers/promises';
import type { PlanSpec, RunDetail } from '@knitfab/api';
import type { KnitUser } from '../knit-user.ts';

/** Fails if it is not alone with an empty output, and prints one line for each time that it is run. */
const careful = (command: string): string[] => [
  'sh',
  '-c',
  `echo begun; [ -z "$(ls -A /out)" ] || exit 9; ${command}`,
];

/** The same pipeline for each image, beside those of the others: what they make has the image's name in its tag. */
function plans(image: string) {
  const [repository] = image.split(':');
  const plan = (name: string, inputs: Record<string, string>, command: string): PlanSpec => ({
    image,
    entrypoint: careful(command),
    inputs: Object.entries(inputs).map(([path, tag]) => ({ path, tags: [tag] })),
    outputs: [{ path: '/out', tags: [`type:${repository}-${name}`] }],
    log: { tags: ['type:log'] },
    resources: { cpu: '100m', memory: '64Mi' },
  });
  return {
    clean: plan('clean', { '/raw': 'type:raw' }, 'sleep 0.1; cp /raw/file /out/file'),
    model: plan(
      'model',
      { '/clean': `type:${repository}-clean`, '/params': 'type:params' },
      'sleep 0.05; cat /clean/file /params/file > /out/file',
    ),
    /** Writes a log of 1 MiB. */
    loud: plan('loud', { '/raw': 'type:raw' }, 'head -c 1048500 /dev/zero; cp /raw/file /out/file'),
    /** Goes away and leaves a process behind. */
    forking: plan('forking', { '/raw': 'type:raw' }, 'sleep 1000 & cp /raw/file /out/file'),
  };
}

type PlanName = keyof ReturnType<typeof plans>;

interface RegisteredPlan {
  readonly image: string;
  readonly name: PlanName;
  readonly planId: string;
}

export interface WorkloadOptions {
  /** What is pushed. */
  readonly source: string;
  /** Each runs the whole pipeline. */
  readonly images: readonly string[];
  /** Between two pushes. */
  readonly pauseMilliseconds: number;
}

/** Users at work: what they push, and what they may count on once it was acknowledged. */
export class Workload {
  readonly #server: KnitUser;
  readonly #options: WorkloadOptions;
  readonly #plans: RegisteredPlan[] = [];
  /** Data of which the server said that it has them. */
  readonly acknowledged = new Set<string>();
  #params = 0;

  constructor(server: KnitUser, options: WorkloadOptions) {
    this.#server = server;
    this.#options = options;
  }

  async begin(): Promise<void> {
    const { images, source } = this.#options;
    for (const image of images) {
      for (const [name, spec] of Object.entries(plans(image))) {
        const planId = await this.#server.register(spec);
        this.#plans.push({ image, name: name as PlanName, planId });
      }
    }
    for (; this.#params < 2; this.#params++) await this.#server.push(source, 'type:params');
  }

  /** Pushes again and again, whatever the server answers, until the signal aborts. */
  async push(signal: AbortSignal): Promise<void> {
    const { source, pauseMilliseconds } = this.#options;
    while (!signal.aborted) {
      try {
        this.acknowledged.add(await this.#server.push(source, 'type:raw'));
      } catch {
        // The user is told, and pushes again: what was not acknowledged is nobody's.
      }
      await setTimeout(pauseMilliseconds, undefined, { signal }).catch(() => {});
    }
  }

  /** What is wrong once everything has come to rest: sentences, none when all is well. */
  async verify(): Promise<string[]> {
    const raw = await this.#server.client.findData({ tag: ['type:raw'] });
    const known = new Set(raw.map((data) => data.knitId));
    const complaints = [...this.acknowledged]
      .filter((knitId) => !known.has(knitId))
      .map((knitId) => `the Data ${knitId} was acknowledged, and is lost`);
    for (const plan of this.#plans) {
      const count = raw.length * (plan.name === 'model' ? this.#params : 1);
      const runs = await this.#server.finished(plan.planId, count, 200);
      complaints.push(...(await this.#verifyRuns(plan, runs, count)));
    }
    const { findings } = await this.#server.client.examine();
    for (const { rule, breaches } of findings) {
      complaints.push(...breaches.map(({ subject, problem }) => `${subject}: ${problem} (${rule})`));
    }
    return complaints;
  }

  /** What has not come to rest: sentences. */
  async unfinished(): Promise<string[]> {
    const runs = await this.#server.client.findRuns({ plan: this.#plans.map(({ planId }) => planId) });
    const open = runs.filter(({ status }) => status !== 'done' && status !== 'failed');
    return [
      `everything did not come to rest: ${open.length} Runs are unfinished`,
      ...open.map((run) => `the Run ${run.runId} is ${run.status}: ${JSON.stringify(run)}`),
    ];
  }

  /** @returns how many Runs there are in all */
  async count(): Promise<number> {
    return (await this.#server.client.findRuns({ plan: this.#plans.map(({ planId }) => planId) })).length;
  }

  async #verifyRuns({ image, name }: RegisteredPlan, runs: RunDetail[], count: number): Promise<string[]> {
    const complaints: string[] = [];
    const title = `${name} (${image})`;
    const combinations = new Set(runs.map((run) => run.inputs.map((input) => input.knitId).join()));
    if (combinations.size !== count || runs.length !== count) {
      complaints.push(
        `${title}: ${count} combinations have ${runs.length} Runs, ${combinations.size} of them different`,
      );
    }
    for (const run of runs) {
      if (run.status !== 'done') {
        complaints.push(`${title}: the Run ${run.runId} is ${run.status}: ${JSON.stringify(run.exit)}`);
      }
      const log = await this.#server.log(run.runId);
      if (!log.startsWith('begun\n') || log.length !== (name === 'loud' ? 1_048_506 : 6)) {
        complaints.push(`${title}: the log of the Run ${run.runId} has ${log.length} characters`);
      }
    }
    return complaints;
  }
}
