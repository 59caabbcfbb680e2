// node bench/query-plans.ts -- fails when a statement of the engine or the API reads a whole large table.
//
// PostgreSQL's auto_explain logs the plan of every statement that a server executes while everything is asked of it, on
// 1,000,000 Data, 1,000 Plans and 100,000 Runs. It is done twice: with the planner's statistics as they should be, and without
// any, as after a bulk load.
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { KnitServer } from '../e2e/knit-server.ts';
import { exercise } from './exercise.ts';
import { fillDatabase, large } from './scale-database.ts';
import { withDatabase } from './with-database.ts';

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Node[];
}

interface Statement {
  text: string;
  calls: number;
  milliseconds: number;
  /** Rows read of each table at most, and how. */
  reads: Map<string, { rows: number; how: string }>;
}

const entry = /LOG: {2}duration: ([\d.]+) ms {2}plan:\n((?:\t.*\n)+)/g;

/** The statements in a log, the slowest first. */
function statementsIn(log: string): Statement[] {
  const statements = new Map<string, Statement>();
  for (const [, duration = '', json = ''] of log.matchAll(entry)) {
    const { 'Query Text': query, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: Node };
    const text = query.replaceAll(/\s+/g, ' ').replaceAll(/\$\d+/g, '$').trim();
    const statement = statements.get(text) ?? { text, calls: 0, milliseconds: 0, reads: new Map() };
    statement.calls++;
    statement.milliseconds = Math.max(statement.milliseconds, Number(duration));
    for (const [table, read] of readsOf(plan)) {
      if (read.rows >= (statement.reads.get(table)?.rows ?? 0)) statement.reads.set(table, read);
    }
    statements.set(text, statement);
  }
  return [...statements.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

function* readsOf(node: Node): Generator<[string, { rows: number; how: string }]> {
  const table = node['Relation Name'];
  if (table !== undefined && node['Node Type'] !== 'ModifyTable') {
    const each =
      node['Actual Rows'] +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0);
    const how = [node['Node Type'], node['Index Name']].filter(Boolean).join(' ');
    yield [table, { rows: Math.round(each * node['Actual Loops']), how }];
  }
  for (const inner of node.Plans ?? []) yield* readsOf(inner);
}

/** Tables that are large here: what a statement reads of them must not grow with them. */
const largeTables = ['tag', 'run', 'data', 'data_tag', 'run_input', 'nomination'];
/** Far more than any statement of the exercise is asked for. */
const mostRows = 25_000;

await using server = await KnitServer.start();
const url = await server.databaseUrl();
console.log(
  `filled in ${(await withDatabase(url, (database) => fillDatabase(database, large))).toFixed(0)} s`,
);
await alone(`alter system set session_preload_libraries = 'auto_explain'`);
for (const [name, value] of Object.entries({
  log_min_duration: '0',
  log_analyze: 'on',
  log_timing: 'off',
  log_nested_statements: 'on',
  log_format: 'json',
}))
  await alone(`alter system set auto_explain.${name} = '${value}'`);

let isFailed = false;
for (const statistics of ['with statistics', 'without statistics']) {
  if (statistics === 'without statistics') await forgetStatistics();
  const log = join(server.dataDirectory, 'postgresql', 'postgresql.log');
  await truncate(log);
  await server.end();
  await server.up();
  await exercise(server);
  report(statistics, statementsIn(await readFile(log, 'utf8')));
}
if (isFailed) process.exitCode = 1;

/** One statement in a session of its own, whose log entries are none of the server's. */
function alone(statement: string): Promise<unknown> {
  return withDatabase(url, async (database) => {
    await database.query(`load 'auto_explain'; set auto_explain.log_min_duration = -1`);
    await database.query(statement);
  });
}

/** As if all had just been loaded, and autovacuum had not come by yet. */
async function forgetStatistics(): Promise<void> {
  await alone(`alter system set autovacuum = off`);
  await alone(`delete from pg_statistic`);
  await alone(
    `update pg_class set reltuples = -1, relpages = 0, relallvisible = 0 where relnamespace = 'public'::regnamespace`,
  );
}

function report(statistics: string, statements: Statement[]): void {
  console.log(`\n${statistics}: ${statements.length} statements; the slowest, and those that read much:`);
  for (const [index, { text, calls, milliseconds, reads }] of statements.entries()) {
    const much = [...reads].filter(([table, { rows }]) => largeTables.includes(table) && rows > mostRows);
    isFailed ||= much.length > 0;
    if (index >= 15 && much.length === 0) continue;
    const read = [...reads].map(([table, { rows, how }]) => `${table} ${rows} (${how})`).join(', ');
    console.log(
      `${much.length > 0 ? 'FAILED ' : ''}${milliseconds.toFixed(1)} ms at most, ${calls} ×: ${text.slice(0, 300)}`,
    );
    console.log(`    reads ${read}`);
  }
}
