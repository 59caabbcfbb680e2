// `npm run demo`: the whole system on real data, by the commands that a user types. Everything happens in a temporary
// directory that is removed at the end; what is kept is in out/demo/.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import {
  checkNothingTwice,
  layOutMails,
  makePipeline,
  pushBatch,
  type Stage,
  showLineage,
  showModels,
  showRuns,
} from './demo/chapters.ts';
import { Command } from './demo/command.ts';
import { chapter, say, showCommand } from './demo/narration.ts';
import { abortAll } from './demo/runs.ts';
import { EmbeddedServer } from './demo/server.ts';

const root = dirname(import.meta.dirname);
const example = join(root, 'examples', 'spam-filter');
const knitScript = join(root, 'packages', 'cli', 'bin', 'knit.js');
const kept = join(root, 'out', 'demo');

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
  explain(error);
} finally {
  await cleanUp();
}

async function demo(): Promise<void> {
  const environment = ownEnvironment();
  const command = (script: string, name: string): Command =>
    new Command({ script, name, directory, environment, signal });

  chapter('An embedded server');
  showCommand('knit up --data-dir knit --port 0');
  const dataDirectory = join(directory, 'knit');
  server = await EmbeddedServer.start({ script: knitScript, dataDirectory, environment, signal });
  say(`  listens on ${server.url}`);

  const stage: Stage = { directory, knit: command(knitScript, 'knit'), url: server.url, signal };
  await makePipeline(stage, example);
  await layOutMails(command(join(example, 'batches.mjs'), 'node examples/spam-filter/batches.mjs'));
  await pushBatch(stage, 1);
  await pushBatch(stage, 2);
  const { runs, provenance } = await showRuns(stage);
  const best = await showModels(stage, runs, provenance);
  await showLineage(stage, best, kept);
  await checkNothingTwice(stage, runs);
  chapter('Done: the server stops, its directory is removed');
}

/** A home of its own, and no settings from elsewhere: neither profiles nor running servers of the user are touched. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { DATABASE_URL, KNIT_PROFILE_STORE, KNIT_ENV, ...rest } = process.env;
  return {
    ...rest,
    HOME: directory,
    KNIT_PROFILE: 'local',
    // Workers get it too; so they find the Node that came with the dependencies, or else the machine's own.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  };
}

function explain(error: unknown): void {
  process.exitCode = signal.aborted ? 130 : 1;
  console.error(`\nThe demo did not get to its end: ${messageOf(signal.aborted ? signal.reason : error)}`);
  if (server !== undefined && !signal.aborted) {
    const fate = server.fate === undefined ? '' : ` (${server.fate})`;
    console.error(`\nThe server's last lines${fate}:\n${server.lastLines(30)}`);
  }
}

async function cleanUp(): Promise<void> {
  try {
    if (server !== undefined && process.exitCode) await abortAll(server.url);
  } catch {
    // The server is gone or does not answer; stopping it is all that is left to do.
  }
  try {
    await server?.stop();
  } catch (error) {
    process.exitCode ||= 1;
    console.error(messageOf(error));
  }
  rmSync(directory, { recursive: true, force: true });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
