// What the engine is known not to stand yet. Each is switched on here, and nowhere else, as soon as it does.

/** `inspect` fails at times: a failure takes back the whole step of the observer, not only its Run. */
export const inspectFails = true;

/** Housekeeping goes on when one worker can't be removed: a failure ends its step. */
export const housekeepingOutlivesRemovals = true;

/** Some workers can never be started: their Runs stay ready for ever, and keep the places of others. */
export const startsFailForEver = false;
