import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { PlanSpec, RunDetail } from '@knitfab/api';
import type { KnitUser } from '../knit-user.ts';
import { eventually } from './kubectl.ts';
import { surroundings } from './surroundings.ts';

const pause = 200;

/** Plans with one Run each: what is looked at when it matters how a worker starts and ends. */
export class SingleRuns {
  /** A directory with one small file. */
  readonly source = join(import.meta.dirname, 'one-line');
  readonly #user: KnitUser;
  readonly #mark = `single-${randomUUID()}`;
  #count = 0;

  constructor(user: KnitUser) {
    this.#user = user;
  }

  /**
   * Registers a Plan, with an input, a log and few resources unless it says otherwise, and gives it one Data.
   * @returns the Plan's id
   */
  async started(plan: Partial<PlanSpec>): Promise<string> {
    const tag = `${this.#mark}:${++this.#count}`;
    const planId = await this.#user.register({
      image: surroundings.image,
      inputs: [{ path: '/in', tags: [tag] }],
      log: { tags: [] },
      resources: { cpu: '50m', memory: '64Mi' },
      ...plan,
    });
    await this.#user.push(this.source, tag);
    return planId;
  }

  /** The same for a script. */
  script(script: string, plan: Partial<PlanSpec> = {}): Promise<string> {
    return this.started({ entrypoint: ['sh', '-c', script], ...plan });
  }

  /** The Plan's Run, once it is of a status. */
  is(status: string, planId: string): Promise<RunDetail> {
    return eventually(
      `the Run is ${status}`,
      async () => {
        const [run] = await this.#user.client.findRuns({ plan: [planId] });
        if (run?.status !== status) throw new Error(`it is ${run?.status}: ${JSON.stringify(run?.exit)}`);
        return run;
      },
      { pause },
    );
  }

  /** The Plan's Run, once it is finished. */
  async ended(planId: string): Promise<RunDetail> {
    return (await this.#user.finished(planId, 1, pause))[0] as RunDetail;
  }

  /** What `knit run show` says of the Plan's Run, once it says what it should. */
  shown(planId: string, expected: RegExp): Promise<string> {
    return eventually(`knit run show says ${expected}`, async () => {
      const [run] = await this.#user.client.findRuns({ plan: [planId] });
      const { stdout } = await this.#user.knit('run', 'show', run?.runId ?? '');
      if (!expected.test(stdout)) throw new Error(stdout);
      return stdout;
    });
  }
}
