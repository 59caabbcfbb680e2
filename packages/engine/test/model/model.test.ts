import fc from 'fast-check';
import { test } from 'vitest';
import { freshDatabase } from '../../../store/test/database.ts';
import { checkAtRest } from './at-rest.ts';
import { type Command, commands } from './commands.ts';
import { Model } from './model.ts';
import { type Conditions, System } from './system.ts';

// Users do anything, in any order and at the same time, while two copies of every loop take steps, calls to the outside fail or
// take long, and workers end as they like. Once all is at rest, the Runs must be those that the model names, and nothing of what
// must hold may be broken.

/** `MODEL_SEED` draws the same commands again; what goes on at the same time may still go another way. */
const seed = process.env.MODEL_SEED;

/** How long it goes on: as many runs as there is time for. */
const milliseconds = Number(process.env.MODEL_SECONDS ?? 25) * 1000;

/** `MODEL_SHRINK=no` shows a failure as it was found, and not as small as it can be made. */
const shrinks = process.env.MODEL_SHRINK !== 'no';

const conditions = fc.record({
  cpu: fc.constantFrom(undefined, 2, 4),
  ahead: fc.constantFrom(1, 3, 100),
  maxRunning: fc.constantFrom(undefined, undefined, 3),
  inactiveAbove: fc.constantFrom(4, 10_000, 10_000),
  pieceSize: fc.constantFrom(1, 3, 1_000),
  impatient: fc.boolean(),
});

async function tryOut(given: Conditions, drawn: Iterable<Command>): Promise<void> {
  const system = await System.start(await freshDatabase(), given);
  const model = new Model();
  try {
    await fc.asyncModelRun(() => ({ model, real: system }), drawn);
    await checkAtRest(model, system);
  } finally {
    await system.close();
  }
}

test('whatever users, loops and workers do, each combination that should have a Run has exactly one, no other has any', async () => {
  const begun = performance.now();
  let tried = 0;
  let hasFailed = false;
  const property = fc.asyncProperty(
    conditions,
    fc.commands(commands, { maxCommands: 60, size: 'max' }),
    async (given, drawn) => {
      if (!hasFailed && tried > 0 && performance.now() - begun > milliseconds) return;
      tried++;
      await tryOut(given, drawn).catch((error) => {
        hasFailed = true;
        throw error;
      });
    },
  );
  await fc.assert(property, {
    numRuns: 1000,
    unbiased: true, // short ones find little
    ...(seed !== undefined && { seed: Number(seed) }),
    endOnFailure: !shrinks,
    // A failure is shown as small as it has become by then.
    interruptAfterTimeLimit: 150_000,
  });
}, 240_000);
