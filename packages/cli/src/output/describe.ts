import type { LogPoint, Mountpoint, PlanSummary, RunSummary } from '@knitfab/api';
import { systemTagPrefix, transientTagKey } from '@knitfab/core';
import { localTime } from './style.ts';

// Things in few words, the same words everywhere.

/** Tags that users gave. */
export const userTagsOf = (tags: readonly string[]): string[] =>
  tags.filter((tag) => !tag.startsWith(systemTagPrefix));

/** `processing` or `failed`; undefined for Data that may be used. */
export const transience = (tags: readonly string[]): string | undefined =>
  tags.find((tag) => tag.startsWith(`${transientTagKey}:`))?.slice(transientTagKey.length + 1);

/** Image, or name of a pseudo plan. */
export const planName = (plan: PlanSummary): string => plan.image ?? plan.name ?? plan.planId;

/** A Plan's image, and what it runs: `python:3.12 train.py --epochs 10`. */
export const planInWords = (plan: PlanSummary): string =>
  [planName(plan), ...(plan.entrypoint ?? []), ...(plan.args ?? [])].join(' ');

export const mountpointInWords = ({ path, tags }: Mountpoint): string => [path, ...tags].join('  ');

/** An output's mountpoint, or the log. */
export const placeInWords = ({ mountpoint, log }: { mountpoint?: Mountpoint; log?: LogPoint }): string =>
  mountpoint ? mountpoint.path : log ? 'log' : '';

/** Status and, once it is there, exit: `failed, exit 3: (container main) Error`. */
export function outcomeInWords({ status, exit }: RunSummary): string {
  if (exit === undefined) return status;
  return `${status}, exit ${exit.code}${exit.message === '' ? '' : `: ${exit.message}`}`;
}

export const runInWords = (run: RunSummary): string =>
  `Run ${run.runId}  ${outcomeInWords(run)}  ${localTime(run.updatedAt)}  ${planInWords(run.plan)}`;
