import type { RunDetail } from '@knitfab/api';
import { isFinished } from '@knitfab/core';
import { outcomeInWords } from '../output/describe.ts';
import { note } from '../output/print.ts';

/** So many Runs are told of one by one; of more, only how many. */
const fewRuns = 10;

/** Tells on stderr how Runs get on: what is waited for, why they wait, and which have ended. */
export class Narration {
  readonly #told = new Map<string, string>();
  #hasBegun = false;

  /** Tells what has changed since the last time. */
  tell(runs: readonly RunDetail[]): void {
    const going = runs.filter(({ status }) => !isFinished(status));
    if (going.length > 0 && !this.#hasBegun) {
      this.#hasBegun = true;
      note(`Waiting for ${counted(going.length)}: ${statuses(going)}.`);
    }
    if (this.#hasBegun) this.#tellEnds(runs.filter(({ status }) => isFinished(status)));
    this.#tellHoldUps(going);
  }

  #tellEnds(ended: readonly RunDetail[]): void {
    const news = ended.filter((run) => this.#isNews(run.runId, run.status));
    if (news.length > fewRuns) note(`${counted(news.length)} ended: ${statuses(news)}.`);
    else for (const run of news) note(`The Run ${run.runId} ended: ${outcomeInWords(run)}.`);
  }

  /** One line for each reason, however many Runs it holds up. */
  #tellHoldUps(going: readonly RunDetail[]): void {
    for (const [reason, runs] of Map.groupBy(going, holdUp)) {
      const news = runs.filter((run) => this.#isNews(run.runId, reason));
      const [first] = news;
      if (reason === '' || first === undefined) continue;
      const who =
        news.length === 1 ? `The Run ${first.runId}` : `${counted(news.length)} (${first.runId}, …)`;
      note(`${who}: ${reason}`);
    }
  }

  #isNews(runId: string, what: string): boolean {
    const isNews = this.#told.get(runId) !== what;
    this.#told.set(runId, what);
    return isNews;
  }
}

/** Why a Run does not get on; empty when it does, or nothing says why. */
export function holdUp({ status, problem, plan }: RunDetail): string {
  if (problem !== undefined) return `${status}: ${problem}`;
  if (status !== 'deactivated') return '';
  return `its Plan is not active. \`knit plan active yes ${plan.planId}\` lets it start.`;
}

const counted = (count: number): string => `${count} ${count === 1 ? 'Run' : 'Runs'}`;

function statuses(runs: readonly RunDetail[]): string {
  const groups = Map.groupBy(runs, ({ status }) => status);
  return [...groups].map(([status, { length }]) => `${length} ${status}`).join(', ');
}
