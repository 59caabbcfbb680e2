// What the model can't try yet, and why. Each is switched on here, and nowhere else, as soon as it can.

/** Some workers can never be started: it takes an hour of pauses until their Runs have failed (engine.test.ts tries that others go on). */
export const startsFailForEver = false;
