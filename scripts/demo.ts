// `npm run demo`: the whole system on real data, by the commands that a user types. Everything happens in a temporary
// directory that is removed at the end; what is kept is out/demo/.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import type { DataDetail, RunDetail } from '@knitfab/api';
import { evaluateModels, inputAt } from './demo/accuracy.ts';
import { Command, CommandFailed } from './demo/command.ts';
import { inputsBesideCode, Provenance } from './demo/provenance.ts';
import { abortAll, nameOf, planRuns, secondsOf, untilDone } from './demo/runs.ts';
import { EmbeddedServer } from './demo/server.ts';
import { table } from './demo/table.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const example = join(root, 'examples', 'spam-filter');
const knitScript = join(root, 'packages', 'cli', 'bin', 'knit.js');
const kept = join(root, 'out', 'demo');
const parameterSets = ['body-only', 'common-words', 'with-headers'];
const plans = ['1-split', '2-features-train', '3-features-test', '4-train', '5-evaluate'];

/** How many Runs there have to be after so many batches: every Plan with every combination of its inputs. */
function combinations(batches: number): number {
  const models = batches * parameterSets.length;
  const [split, features, evaluate] = [batches, 2 * batches, models * batches];
  return split + features + models + evaluate;
}

const startedAt = performance.now();
const seconds = (since = startedAt): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const say = (text = ''): void => console.log(text);
const chapter = (title: string): void => say(`\n${styleText('bold', title)}  ${styleText('dim', seconds())}`);

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
const { signal } = interruption;

const directory = mkdtempSync(join(tmpdir(), 'knit-demo-'));
chmodSync(directory, 0o711); // as root, PostgreSQL runs as another user, and has to get to its own directory in here
let server: EmbeddedServer | undefined;
try {
  await demo();
} catch (error) {
  process.exitCode = signal.aborted ? 130 : 1;
  const reason = signal.aborted ? signal.reason : error;
  console.error(`\nThe demo failed: ${reason instanceof Error ? reason.message : reason}`);
  if (server !== undefined && !signal.aborted)
    console.error(`\nThe server's last lines:\n${server.lastLines(30)}`);
} finally {
  try {
    if (server !== undefined && process.exitCode) await abortAll(server.url);
    await server?.stop();
  } catch (error) {
    process.exitCode ||= 1;
    console.error(error instanceof Error ? error.message : error);
  }
  rmSync(directory, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  // A home of its own, and no other settings: neither profiles nor running servers of the user are touched.
  const { DATABASE_URL, KNIT_PROFILE_STORE, KNIT_ENV, ...rest } = process.env;
  const environment: NodeJS.ProcessEnv = {
    ...rest,
    HOME: directory,
    KNIT_PROFILE: 'local',
    // Workers get it too; so they find the Node that came with the dependencies, or else the machine's own.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  };
  const program = (script: string, name: string) =>
    new Command({ script, name, directory, environment, signal });
  const knit = program(knitScript, 'knit');

  chapter('An embedded server');
  const dataDirectory = join(directory, 'knit');
  server = await EmbeddedServer.start({ script: knitScript, dataDirectory, environment, signal });
  const { url } = server;
  say(styleText('cyan', '  $ knit up --data-dir knit --port 0'));
  say(`  listens on ${url}`);

  chapter('The pipeline: code and three parameter sets as Data, five Plans');
  for (const part of ['code', 'params', 'plans'])
    cpSync(join(example, part), join(directory, part), { recursive: true });
  await knit.run('data', 'push', '-t', 'type:code', '-t', 'version:1', 'code');
  await knit.run('data', 'push', '-t', 'type:params', '-n', ...parameterSets.map((set) => `params/${set}`));
  for (const plan of plans) await knit.run('plan', 'apply', `plans/${plan}.yaml`);
  say('  There are no mails yet, so nothing runs.');

  await program(join(example, 'batches.mjs'), 'node examples/spam-filter/batches.mjs').run('mails');
  const known = new Set<string>();
  for (const batch of [1, 2]) {
    chapter(
      batch === 1
        ? 'The first batch of mails'
        : 'The second batch: all that follows from it starts by itself',
    );
    await knit.run('data', 'push', '-t', 'type:mail', '-t', `batch:${batch}`, `mails/batch-${batch}`);
    const pushedAt = performance.now();
    const data = await knit.json<DataDetail[]>('data', 'find');
    await untilDone({
      url,
      expected: combinations(batch),
      known,
      onDone: (run, all) =>
        say(`  ${seconds(pushedAt).padStart(6)}  ${describe(run, new Provenance(data, all))}`),
      signal,
    });
  }

  chapter('All Runs');
  const runs = await knit.json<RunDetail[]>('run', 'find').then(ofPlans);
  const provenance = new Provenance(await knit.json<DataDetail[]>('data', 'find'), runs);
  say(
    table(
      ['Run', 'Plan', 'inputs', 'status', 'took'],
      runs.map((run) => [
        run.runId.slice(0, 8),
        nameOf(run),
        inputs(run, provenance),
        run.status,
        secondsOf(run),
      ]),
      ['took'],
    ),
  );

  chapter('How good is each model?');
  const evaluations = runs.filter((run) => nameOf(run) === 'evaluate');
  for (const run of evaluations) {
    await knit.quietly('data', 'pull', '-x', run.outputs[0]?.knitId ?? '', 'metrics');
  }
  const tests = [...new Set(evaluations.map((run) => inputAt(run, '/in/features')))];
  const models = evaluateModels(evaluations, join(directory, 'metrics'));
  const titles = tests.map((test) => `test mails of ${provenance.origin(test)}`);
  say(
    table(
      ['model', 'trained on', ...titles, 'all test mails', 'precision', 'recall'],
      models.map(({ model, byTest, accuracy, precision, recall }) => [
        model.slice(0, 8),
        provenance.origin(model),
        ...tests.map((test) => percent(byTest.get(test) ?? Number.NaN)),
        percent(accuracy),
        percent(precision),
        percent(recall),
      ]),
      [...titles, 'all test mails', 'precision', 'recall'],
    ),
  );

  const [best] = models;
  if (best === undefined) throw new Error('there is no model');
  chapter(
    `Where does the best model come from? (${percent(best.accuracy)} of ${best.mails} test mails right)`,
  );
  mkdirSync(kept, { recursive: true });
  const svg = join(kept, 'best-model.svg');
  writeFileSync(svg, await knit.run('data', 'lineage', '-n', 'all', '--format', 'svg', best.model));
  say(`  kept as ${relative(root, svg)}`);
  const ancestors = await knit.run('data', 'lineage', '-u', '-n', 'all', '--format', 'text', best.model);
  say(indented(ancestors));

  chapter('Nothing ran twice');
  await checkNothingTwice(knit, url, runs);

  chapter('Done: stopping the server, removing its directory');
}

const ofPlans = (runs: RunDetail[]): RunDetail[] => runs.filter((run) => run.plan.image !== undefined);

const indented = (text: string): string => text.trimEnd().replace(/^/gm, '    ');

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const inputs = (run: RunDetail, provenance: Provenance): string =>
  inputsBesideCode(run)
    .map((input) => provenance.describe(input.knitId))
    .join(' × ');

const describe = (run: RunDetail, provenance: Provenance): string =>
  `${nameOf(run).padEnd(14)}  ${inputs(run, provenance)}`;

async function checkNothingTwice(knit: Command, url: string, runs: readonly RunDetail[]): Promise<void> {
  const keys = runs.map((run) => `${run.plan.planId} ${run.inputs.map(({ knitId }) => knitId).join(' ')}`);
  const distinct = new Set(keys).size;
  if (distinct !== runs.length || runs.length !== combinations(2)) {
    throw new Error(`${runs.length} Runs for ${distinct} combinations; ${combinations(2)} were expected`);
  }
  say(`  ${runs.length} Runs, ${distinct} different combinations of Plan and inputs.`);

  say('  A Plan that is there already is refused:');
  const refusal = await knit.refused('plan', 'apply', 'plans/4-train.yaml');
  say(indented(refusal));
  const train = runs.find((run) => nameOf(run) === 'train');
  if (train === undefined || !refusal.includes(train.plan.planId)) {
    throw new CommandFailed('knit plan apply plans/4-train.yaml', 1, `it does not name the Plan: ${refusal}`);
  }

  say('  A tag that is taken off and put on again starts nothing:');
  const batch = await knit.json<DataDetail[]>('data', 'find', '-t', 'type:mail', '-t', 'batch:1');
  const knitId = batch[0]?.knitId ?? '';
  await knit.run('data', 'tag', '--remove', 'type:mail', knitId);
  await knit.run('data', 'tag', '--add', 'type:mail', knitId);
  // The engine starts a Run within milliseconds; a second without one means that there is none to start.
  await delay(1000, undefined, { signal });
  const after = await planRuns(url, signal);
  if (after.length !== runs.length)
    throw new Error(`there are ${after.length} Runs now, ${runs.length} before`);
  say(`  still ${after.length} Runs.`);
}
