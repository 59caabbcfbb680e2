import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataDetail, RunDetail } from '@knitfab/api';
import { type Evaluation, evaluateModels, inputAt } from './accuracy.ts';
import type { Command } from './command.ts';
import { chapter, indented, percent, say, seconds, shortId, showCommand } from './narration.ts';
import { Provenance } from './provenance.ts';
import { nameOf, ofPlans, planRuns, secondsOf, untilDone } from './runs.ts';
import { table } from './table.ts';

/** What every chapter works with. */
export interface Stage {
  /** Where the commands run; the example's files are copied there. */
  readonly directory: string;
  readonly knit: Command;
  /** `http://HOST:PORT` of the server */
  readonly url: string;
  readonly signal: AbortSignal;
}

const parameterSets = ['body-only', 'common-words', 'with-headers'];
const plans = ['1-split', '2-features-train', '3-features-test', '4-train', '5-evaluate'];

/** How many Runs there have to be after so many batches: each Plan with each combination of its inputs. */
function combinations(batches: number): number {
  const models = batches * parameterSets.length;
  const [split, features, evaluate] = [batches, 2 * batches, models * batches];
  return split + features + models + evaluate;
}

export async function makePipeline({ knit, directory }: Stage, example: string): Promise<void> {
  chapter('The pipeline: the code and three parameter sets as Data, five Plans');
  for (const part of ['code', 'params', 'plans']) {
    cpSync(join(example, part), join(directory, part), { recursive: true });
  }
  await knit.run('data', 'push', '-t', 'type:code', '-t', 'version:1', 'code');
  await knit.run('data', 'push', '-t', 'type:params', '-n', ...parameterSets.map((set) => `params/${set}`));
  for (const plan of plans) await knit.run('plan', 'apply', `plans/${plan}.yaml`);
  say('  There are no mails yet, so nothing runs.');
}

export async function layOutMails(batches: Command): Promise<void> {
  chapter('Real mails: the SpamAssassin public corpus');
  say(indented(await batches.run('mails')));
}

/** Pushes a batch, and tells of the Runs that follow from it. */
export async function pushBatch({ knit, url, signal }: Stage, batch: number): Promise<void> {
  chapter(
    batch === 1 ? 'The first batch of mails' : 'The second batch: all that follows from it starts by itself',
  );
  const before = (await planRuns(url, signal)).map(({ runId }) => runId);
  await knit.run('data', 'push', '-t', 'type:mail', '-t', `batch:${batch}`, `mails/batch-${batch}`);
  const pushedAt = performance.now();
  const data = await knit.json<DataDetail[]>('data', 'find');
  const expected = combinations(batch);
  const tell = (run: RunDetail, all: readonly RunDetail[]): void =>
    say(
      `  ${seconds(pushedAt).padStart(6)}  ${nameOf(run).padEnd(14)}  ${inputsOf(run, new Provenance(data, all))}`,
    );
  await untilDone({ url, expected, known: new Set(before), onDone: tell, signal });
  say(`  ${expected - before.length} Runs in ${seconds(pushedAt)}.`);
}

/** @returns the Runs, and a way to name what they read and made */
export async function showRuns({ knit }: Stage): Promise<{ runs: RunDetail[]; provenance: Provenance }> {
  chapter('All Runs');
  showCommand('knit run find');
  const runs = ofPlans(await knit.json<RunDetail[]>('run', 'find'));
  const provenance = new Provenance(await knit.json<DataDetail[]>('data', 'find'), runs);
  const row = (run: RunDetail): string[] => [
    shortId(run.runId),
    nameOf(run),
    inputsOf(run, provenance),
    run.status,
    secondsOf(run),
  ];
  say(table(['Run', 'Plan', 'inputs', 'status', 'took'], runs.map(row), ['took']));
  return { runs, provenance };
}

const inputsOf = (run: RunDetail, provenance: Provenance): string =>
  provenance
    .inputs(run)
    .map((knitId) => provenance.describe(knitId))
    .join(' × ');

/** @returns the best model and how it did */
export async function showModels(
  { knit, directory }: Stage,
  runs: readonly RunDetail[],
  provenance: Provenance,
): Promise<Evaluation> {
  chapter('How good is each model?');
  const evaluations = runs.filter((run) => nameOf(run) === 'evaluate');
  for (const [i, run] of evaluations.entries()) {
    const pull = ['data', 'pull', '-x', run.outputs[0]?.knitId ?? '', 'metrics'];
    await (i === 0 ? knit.run(...pull) : knit.quietly(...pull));
  }
  say(`  … and so on for all ${evaluations.length} metrics.`);
  const tests = [...new Set(evaluations.map((run) => inputAt(run, '/in/features')))];
  const models = evaluateModels(evaluations, join(directory, 'metrics'));
  const [best] = models;
  if (best === undefined) throw new Error('there is no model');

  const titles = tests.map((test) => `tested on ${provenance.origin(test)}`);
  const figures = [...titles, 'on both', 'precision', 'recall'];
  const row = ({ model, byTest, accuracy, precision, recall }: Evaluation): string[] => [
    shortId(model),
    provenance.origin(model),
    ...tests.map((test) => percent(byTest.get(test) ?? Number.NaN)),
    ...[accuracy, precision, recall].map(percent),
  ];
  say(table(['model', 'trained on', ...figures], models.map(row), figures));
  return best;
}

/** Draws the lineage of a model into a file, and writes its ancestors as text. */
export async function showLineage({ knit }: Stage, best: Evaluation, kept: string): Promise<void> {
  chapter(`Where does the best model come from? (${percent(best.accuracy)} of ${best.mails} test mails)`);
  mkdirSync(kept, { recursive: true });
  const svg = join(kept, 'best-model.svg');
  writeFileSync(svg, await knit.run('data', 'lineage', '-n', 'all', '--format', 'svg', best.model));
  say(`  kept as ${relative(process.cwd(), svg)}`);
  say(indented(await knit.run('data', 'lineage', '-u', '-n', 'all', '--format', 'text', best.model)));
}

/** @throws {Error} when a combination has run twice, or when something starts that should not */
export async function checkNothingTwice(stage: Stage, runs: readonly RunDetail[]): Promise<void> {
  chapter('Nothing ran twice');
  const keys = runs.map((run) => `${run.plan.planId} ${run.inputs.map(({ knitId }) => knitId).join(' ')}`);
  const distinct = new Set(keys).size;
  if (distinct !== runs.length || runs.length !== combinations(2)) {
    throw new Error(`${runs.length} Runs for ${distinct} combinations; ${combinations(2)} were expected`);
  }
  say(`  ${runs.length} Runs, ${distinct} different combinations of Plan and inputs.`);
  await applyAgain(stage, runs);
  await tagAgain(stage, runs.length);
}

async function applyAgain({ knit }: Stage, runs: readonly RunDetail[]): Promise<void> {
  say('  A Plan that is there already is refused:');
  const refusal = await knit.refused('plan', 'apply', 'plans/4-train.yaml');
  say(indented(refusal));
  const train = runs.find((run) => nameOf(run) === 'train');
  if (train === undefined || !refusal.includes(train.plan.planId)) {
    throw new Error('the refusal does not name the equal Plan');
  }
}

async function tagAgain({ knit, url, signal }: Stage, count: number): Promise<void> {
  say('  A tag that is taken off and put on again starts nothing:');
  const [batch] = await knit.json<DataDetail[]>('data', 'find', '-t', 'type:mail', '-t', 'batch:1');
  const knitId = batch?.knitId ?? '';
  await knit.run('data', 'tag', '--remove', 'type:mail', knitId);
  await knit.run('data', 'tag', '--add', 'type:mail', knitId);
  // What is to be started starts within milliseconds. A second without anything is proof enough for a demo.
  await delay(1000, undefined, { signal });
  const after = (await planRuns(url, signal)).length;
  if (after !== count) throw new Error(`there are ${after} Runs now; there were ${count} before`);
  say(`  still ${after} Runs.`);
}
