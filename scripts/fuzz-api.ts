import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KnitServer } from '../e2e/knit-server.ts';

const help = `Tries the Web API with generated requests, from its own OpenAPI document, on a server that it starts.
No answer may be a 500, of an undocumented status, or of another shape than the document says.

  npm run fuzz:api -- [--seconds N] [--seed N]

  --seconds N   how long (default: 110)
  --seed N      generates the same requests again; a failed run prints its seed

It uses Schemathesis from PyPI, in an environment of its own below node_modules/.cache. Without Python 3.10 or a way to
PyPI it says so, and does nothing.`;

const schemathesis = '4.32.5';
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Left out of Schemathesis' checks: the API is lenient on purpose (blank parameters are none, a malformed id in a list fits
 * nothing), and rules between fields can't be written down in a schema.
 */
const leftOut = ['negative_data_rejection', 'positive_data_acceptance'];

/** An answer that never ends is nothing that it could judge. */
const endless = ['/api/events'];

function usage(problem: string): never {
  console.error(`${problem}\n\n${help}`);
  process.exit(2);
}

function given() {
  try {
    return parseArgs({
      options: {
        seconds: { type: 'string', default: '110' },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

const values = given();

/** Runs a program, whose output is shown unless it is `quiet`; resolves to its exit code. */
async function run(
  program: string,
  args: string[],
  { quiet = false, ...options }: { quiet?: boolean; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<number> {
  const child = spawn(program, args, {
    ...options,
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
  });
  const ended = await once(child, 'exit').catch(() => [127]);
  return ended[0] ?? 1;
}

/** The program `schemathesis`; undefined when it can't be had. It is installed once. */
async function installed(): Promise<string | undefined> {
  const environment = join(root, 'node_modules/.cache', `schemathesis-${schemathesis}`);
  const program = join(environment, 'bin/schemathesis');
  if (await exists(program)) return program;
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true });
  await rm(environment, { recursive: true, force: true });
  // Programs of an environment name it by its path, so it is made where it stays; one that is not complete is taken away.
  const made =
    (await run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], { quiet: true })) ===
      0 &&
    (await run('python3', ['-m', 'venv', environment], { quiet: true })) === 0 &&
    (await run(join(environment, 'bin/pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      `schemathesis==${schemathesis}`,
    ])) === 0;
  if (made) return program;
  await rm(environment, { recursive: true, force: true });
  return undefined;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Things for the requests to be about: Data, Plans, and Runs that have ended well, have failed, and wait. */
async function known(server: KnitServer): Promise<Record<string, string[]>> {
  const tree = await mkdtemp(join(tmpdir(), 'knit-fuzz-'));
  await writeFile(join(tree, 'file'), 'content\n');
  const knitIds = [await server.push(tree, 'type:raw'), await server.push(tree, 'type:raw', '種類:生')];
  await rm(tree, { recursive: true });
  const plan = (command: string, active: boolean) => ({
    image: 'host:v1',
    entrypoint: [command],
    active,
    inputs: [{ path: '/in', tags: ['type:raw'] }],
    outputs: [{ path: '/out', tags: [`type:${command}`] }],
    log: { tags: ['type:log'] },
  });
  const planIds = [await server.register(plan('true', true)), await server.register(plan('false', true))];
  const runs = (await Promise.all(planIds.map((planId) => server.finished(planId, 2)))).flat();
  planIds.push(await server.register(plan('sleep', false)));
  return {
    planId: planIds,
    runId: [...runs.map(({ runId }) => runId), ...(await server.client.findRuns()).map(({ runId }) => runId)],
    knitId: [
      ...knitIds,
      ...runs.flatMap(({ outputs, log }) => [...outputs, ...(log ? [log] : [])].map(({ knitId }) => knitId)),
    ],
  };
}

/** What the run came to, in one line. */
async function summary(file: string): Promise<string> {
  const { operations, test_cases: cases, running_time: time } = JSON.parse(await readFile(file, 'utf8'));
  return `${cases.generated} requests to ${operations.tested} operations in ${Math.round(time)} s, ${cases.unique_failures} kinds of failures`;
}

if (values.help) {
  console.log(help);
  process.exit(0);
}
const seconds = Number(values.seconds);
if (!(seconds >= 10 && seconds <= 3600)) usage(`--seconds takes 10 to 3600, not "${values.seconds}"`);
const program = await installed();
if (program === undefined) {
  console.log(
    'skipped: the API was not fuzzed, since Python 3.10 with venv, or a way to PyPI, is missing here',
  );
  process.exit(0);
}

// Ctrl-C ends Schemathesis and the server, which hear it too; what is left of them is then taken away.
process.on('SIGINT', () => {});
await using server = await KnitServer.start();
const directory = await mkdtemp(join(tmpdir(), 'knit-fuzz-'));
const report = join(directory, 'report.json');
const args = [
  ['--config-file', join(root, 'scripts/fuzz-api/schemathesis.toml')],
  ['run', `${server.client.apiRoot}/openapi.json`, '--max-time', String(seconds), '--request-timeout', '30'],
  ['--exclude-checks', leftOut.join(), '--continue-on-failure', '--suppress-health-check', 'all'],
  ['--generation-database', 'none', '--report', 'json', '--report-json-path', report, '--warnings', 'off'],
  endless.flatMap((path) => ['--exclude-path', path]),
  values.seed === undefined ? [] : ['--seed', values.seed],
].flat();
const environment = {
  ...process.env,
  SCHEMATHESIS_HOOKS: 'hooks',
  PYTHONPATH: join(root, 'scripts/fuzz-api'),
  PYTHONDONTWRITEBYTECODE: '1',
  KNITFAB_KNOWN_IDS: JSON.stringify(await known(server)),
};
const code = await run(program, args, { env: environment, cwd: directory });
const alive = await server.client.getVersion().then(
  () => true,
  () => false,
);
if (!alive) console.error('the server does not answer any more');
console.log(await summary(report).catch(() => 'it was broken off'));
await rm(directory, { recursive: true, force: true });
process.exitCode = alive ? code : 1;
