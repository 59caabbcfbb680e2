import type { SystemState } from '@knitfab/api';
import { record } from './record.ts';
import { localTime } from './style.ts';

export const systemRecord = ({ paused, limits }: SystemState, width: number): string =>
  record(
    [
      ['Runs', [paused ? `are not started since ${localTime(paused.since)}` : 'are started']],
      ['because', paused?.reason ? [paused.reason] : []],
      ['under way at once', [limits.max_running === null ? 'any number' : `at most ${limits.max_running}`]],
      ['new Plan', [`is made inactive when it would start more than ${limits.inactive_above} Runs at once`]],
    ],
    width,
  );
