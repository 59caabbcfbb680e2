import type { Client, RunDetail } from '@knitfab/api';
import { ServerError } from '@knitfab/api/client';
import { isFinished, visibleRunStatuses } from '@knitfab/core';
import { Changes } from './changes.ts';
import { Narration } from './narration.ts';
import { Patience } from './patience.ts';

/** Between a Run's end and the start of those that it brings about there is a moment without any, in milliseconds. */
const lull = 1000;
/** How many Runs are asked for at the same time. */
const atOnce = 8;

const inProgress = visibleRunStatuses.filter((status) => status !== 'deactivated' && !isFinished(status));

/** Waits until Runs have ended, over restarts of the server. */
export class RunEnds {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #patience: Patience;
  readonly #narration = new Narration();
  readonly #onFirstLook: () => void;
  /** What is known of the Runs that are waited for, also when the waiting is cut off. */
  readonly runs = new Map<string, RunDetail>();
  /** Whether there was anything to wait for. */
  hasWaited = false;

  /**
   * @param signal ends the waiting, with its reason
   * @param onFirstLook told once it is known how the Runs get on
   */
  constructor(client: Client, signal: AbortSignal, onFirstLook: () => void) {
    this.#onFirstLook = onFirstLook;
    this.#client = client;
    this.#signal = signal;
    this.#patience = new Patience(client.apiRoot, signal);
  }

  /** Waits for these Runs. */
  async of(runIds: readonly string[]): Promise<void> {
    const changes = new Changes(this.#client, this.#signal);
    try {
      await this.#look(runIds);
      this.#onFirstLook();
      for (;;) {
        this.#narration.tell([...this.runs.values()]);
        const going = runIds.filter((runId) => !this.#hasEnded(runId));
        if (going.length === 0) return;
        this.hasWaited = true;
        const changed = await changes.next();
        await this.#look(changed === 'any' ? going : going.filter((runId) => changed.has(runId)));
      }
    } finally {
      changes.close();
    }
  }

  /**
   * Waits until no Run is in progress: also for those that begin meanwhile, as one brings about the other.
   * @param planIds only Runs of these Plans; all when it is empty
   */
  async ofAll(planIds: readonly string[]): Promise<void> {
    const touched = new Set<string>();
    const changes = new Changes(this.#client, this.#signal, ({ runId, plan }) => {
      // Uploads and imports are no Runs that anybody waits for.
      const isWanted = planIds.length === 0 ? plan.image !== undefined : planIds.includes(plan.planId);
      if (isWanted) touched.add(runId);
    });
    try {
      for (let quietSince: number | undefined; ; ) {
        const news = [...touched];
        touched.clear();
        const going = await this.#patience.request(() =>
          this.#client.findRuns({ status: inProgress, plan: planIds }),
        );
        if (quietSince === undefined && this.runs.size === 0) this.#onFirstLook();
        const goingIds = new Set(going.map(({ runId }) => runId));
        const gone = [...this.runs.keys(), ...news].filter((runId) => !goingIds.has(runId));
        for (const run of going) this.runs.set(run.runId, run);
        await this.#look(new Set(gone.filter((runId) => !this.#hasEnded(runId))), 'may be deleted');
        this.#narration.tell([...this.runs.values()]);
        this.hasWaited ||= going.length > 0 || this.runs.size > 0;
        quietSince = going.length > 0 ? undefined : (quietSince ?? Date.now());
        const left = quietSince === undefined ? undefined : quietSince + lull - Date.now();
        if (left !== undefined && left <= 0) return;
        await changes.next(left);
      }
    } finally {
      changes.close();
    }
  }

  #hasEnded(runId: string): boolean {
    const run = this.runs.get(runId);
    return run !== undefined && isFinished(run.status);
  }

  async #look(runIds: Iterable<string>, ifMissing: 'fail' | 'may be deleted' = 'fail'): Promise<void> {
    const left = [...runIds];
    const take = async () => {
      for (let runId = left.pop(); runId !== undefined; runId = left.pop()) {
        const run = await this.#detail(runId).catch((error) => {
          if (ifMissing === 'fail' || !(error instanceof ServerError) || error.status !== 404) throw error;
        });
        if (run === undefined) this.runs.delete(runId);
        else this.runs.set(runId, run);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, take));
  }

  #detail(runId: string): Promise<RunDetail> {
    return this.#patience.request(() => this.#client.getRun(runId));
  }
}
