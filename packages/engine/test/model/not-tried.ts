// What the model can't try yet, and why. Each is switched on here, and nowhere else, as soon as it can.

/** `inspect` fails at times: the observer leaves a worker alone then by a clock that the model can't turn (engine.test.ts tries it). */
export const inspectFails = false;

/** Housekeeping goes on when one worker can't be removed: a failure ends its step. */
export const housekeepingOutlivesRemovals = true;

/** Some workers can never be started: it takes an hour of pauses until their Runs have failed (engine.test.ts tries that others go on). */
export const startsFailForEver = false;
