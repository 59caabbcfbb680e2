// npm run chaos -- [--minutes N] [--driver docker] [--database remote] [--clocks]: breaks a real `knit up` in random ways while
// users push, and looks whether all is well after. With `--driver docker` half of the Plans run in containers, of an engine that
// breaks, too. With `--database remote` the server's database is behind a proxy that cuts connections, or goes silent. With
// `--clocks` the clocks of server and database are set as well, by libfaketime, whose semaphores get lost at times: that ends the
// run early.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KnitServer } from '../knit-server.ts';
import type { ContainerEngine } from './containers.ts';
import { embeddedDatabaseFaults, type Fault, serverFaults, settableClock } from './faults.ts';
import { RemoteDatabase } from './remote-database.ts';
import { Workload } from './workload.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    driver: { type: 'string', default: 'local' },
    database: { type: 'string', default: 'embedded' },
    clocks: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) usage('Say for how many minutes: npm run chaos -- --minutes 2');
if (!['local', 'docker'].includes(values.driver)) usage('Say --driver local, or --driver docker');
if (!['embedded', 'remote'].includes(values.database)) usage('Say --database embedded, or --database remote');

function usage(problem: string): never {
  console.error(problem);
  process.exit(2);
}

/** How long everything may take to come to rest after the last fault. */
const restMilliseconds = 180_000;

const source = await mkdtemp(join(tmpdir(), 'knit-chaos-'));
await chmod(source, 0o755); // the database reads its clock there, as another user
await writeFile(join(source, 'file'), 'one line\n');
const complaints = await run();
await rm(source, { recursive: true });
for (const complaint of complaints) console.error(complaint);
console.log(complaints.length === 0 ? 'Nothing lost, nothing doubled, nothing left behind.' : 'FAILED');
process.exit(complaints.length === 0 ? 0 : 1);

async function run(): Promise<string[]> {
  const clockFile = join(source, 'clock');
  await writeFile(clockFile, '+0\n', { mode: 0o644 });
  const clock = values.clocks ? settableClock(clockFile) : { environment: {}, faults: [] };
  if (clock.faults.length === 0) console.log('clocks are not set: that takes --clocks, and libfaketime');
  await using engine = values.driver === 'docker' ? await startEngine() : undefined;
  await using database = values.database === 'remote' ? await RemoteDatabase.start() : undefined;
  await using server = await KnitServer.start({
    options: engine?.options.options ?? ['--driver', 'local'],
    environment: { ...clock.environment, ...engine?.options.environment, ...database?.environment },
  });
  const workload = new Workload(server, {
    source,
    images: ['host:v1', ...(engine === undefined ? [] : [engine.image])],
    // A container takes several times as long to start as a program.
    pauseMilliseconds: engine === undefined ? 300 : 1200,
  });
  await workload.begin();
  const ending = new AbortController();
  const pushing = workload.push(ending.signal);
  const counts = await injectFaults(server, [
    ...serverFaults,
    ...(database?.faults ?? embeddedDatabaseFaults),
    ...clock.faults,
    ...(engine?.faults ?? []),
  ]);
  ending.abort();
  await pushing;
  const late = setTimeout(restMilliseconds, undefined, { ref: false }).then(() => workload.unfinished());
  const complaints = await Promise.race([atRest(workload, engine), late]);
  console.table([...counts].map(([fault, count]) => ({ fault, injected: count })));
  if (database !== undefined) console.log(database.counts);
  console.log(`${workload.acknowledged.size} pushes acknowledged, ${await workload.count()} Runs`);
  return complaints;
}

async function startEngine(): Promise<ContainerEngine> {
  const { ContainerEngine } = await import('./containers.ts');
  return (await ContainerEngine.start()) ?? usage('--driver docker takes Podman, and root');
}

async function injectFaults(server: KnitServer, all: readonly Fault[]): Promise<Map<string, number>> {
  const counts = new Map(all.map(({ name }) => [name, 0]));
  for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) {
    // Each once, in another order each time.
    for (const fault of shuffled(all)) {
      if (Date.now() >= end) break;
      await fault.inject(server);
      counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
      await setTimeout(Math.random() * 3000);
    }
  }
  return counts;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Leases of broken uploads end within half a minute, and the database comes back within seconds. */
async function atRest(workload: Workload, engine: ContainerEngine | undefined): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    try {
      const complaints = [...(await workload.verify()), ...(engine?.leftovers() ?? [])];
      if (complaints.length === 0 || tries >= 3) return complaints;
    } catch (error) {
      if (tries >= 10) throw error;
    }
    await setTimeout(5000);
  }
}
