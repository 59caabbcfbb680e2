import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs, styleText } from 'node:util';
import { rows } from './rows/index.ts';
import { counts, type Result, results } from './suite.ts';
import { Wire } from './wire.ts';
import { World } from './world.ts';

const help = `Tries every row of the Knitfab Web API on a server, over HTTP only, and tells where it deviates.

  npm run conformance -- --server URL [--ca FILE] [--image IMAGE [--command 'sh -c']] [--json FILE]

  --server URL     the server, such as http://127.0.0.1:30803 (the root, without /api)
  --ca FILE        certificate authority of the server, PEM
  --image IMAGE    an image with a shell: Plans of it are executed. Without it nothing is executed on servers of
                   other machines, and what needs it is "not tried". On a server of one machine, host:v1 does.
  --command WORDS  how that image runs a script, which comes as one more argument (default: sh -c)
  --patience SECONDS  how long a Run may take to get on (default: 60)
  --at-once N      how many rows are tried at the same time (default: 4)
  --json FILE      writes the results as JSON, too

It works beside other users: its Data and Plans have tags of their own. Runs and Data are deleted in the end, Plans
(which nobody can delete) are deactivated. Exit code 0: nothing deviates; 1: something does; 2: it could not be tried.`;

function usage(problem: string): never {
  console.error(`${problem}\n\n${help}`);
  process.exit(2);
}

function given() {
  try {
    return parseArgs({
      options: {
        server: { type: 'string' },
        ca: { type: 'string' },
        image: { type: 'string' },
        command: { type: 'string', default: 'sh -c' },
        patience: { type: 'string', default: '60' },
        'at-once': { type: 'string', default: '4' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

const values = given();

if (values.help) {
  console.log(help);
  process.exit(0);
}
if (values.server === undefined) usage('--server is missing');
if (!URL.canParse(values.server)) usage(`"${values.server}" is not a URL`);
if (!(Number(values.patience) > 0)) usage(`"${values.patience}" is not a number of seconds`);
const atOnce = Number(values['at-once']);
if (!(Number.isInteger(atOnce) && atOnce > 0)) usage(`"${values['at-once']}" is not a number of rows`);

const wire = new Wire(
  values.server.replace(/\/api\/?$/, ''),
  values.ca === undefined
    ? undefined
    : await readFile(values.ca).catch((error: Error) => usage(error.message)),
);
await wire
  .get('/api/plans')
  .catch((error: Error) => usage(`${values.server} does not answer: ${error.message}`));
const open = () =>
  new World(wire, {
    command: values.command.split(' ').filter(Boolean),
    patience: Number(values.patience) * 1000,
    ...(values.image !== undefined && { image: values.image }),
  });

const colours = { ok: 'green', failed: 'red', 'not tried': 'yellow' } as const;
const all: Result[] = [];
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
  console.log('  stopping after the rows under way, and taking away what was made; Ctrl-C again: at once');
});
for await (const each of results(rows, open, { atOnce })) {
  if (each.row !== all.at(-1)?.row) console.log(`\n${styleText('bold', each.row)}`);
  console.log(`  ${styleText(colours[each.result], each.result.padEnd(9))}  ${each.what}`);
  if (each.why !== undefined) console.log(`             ${each.why.replaceAll('\n', '\n             ')}`);
  all.push(each);
  if (isInterrupted) break;
}
wire.close();
const { ok, failed, notTried } = counts(all);
console.log(`\n${ok} ok, ${failed} failed, ${notTried} not tried`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(all, null, 2)}\n`);
process.exitCode = isInterrupted ? 130 : failed > 0 ? 1 : 0;
