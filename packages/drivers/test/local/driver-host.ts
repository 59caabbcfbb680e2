/** A process with the local drivers, for tests to run as another user and to kill. Takes calls as lines of JSON. */
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createLocalDrivers } from '../../src/index.ts';

process.umask(Number.parseInt(process.env.UMASK ?? '022', 8));
const options = JSON.parse(process.argv[2] ?? '{}');
const drivers = await createLocalDrivers(options);
const changed: string[] = [];
const watching = new AbortController();
const watch = drivers.workers.watch((name) => changed.push(name), watching.signal);

const calls: Record<string, (...args: never[]) => unknown> = {
  create: (ref: string) => drivers.volumes.create(ref),
  destroy: (ref: string) => drivers.volumes.destroy(ref),
  isReady: (ref: string) => drivers.volumes.isReady(ref),
  check: (plan) => drivers.workers.check(plan),
  start: (spec) => drivers.workers.start(spec),
  inspect: (name: string) => drivers.workers.inspect(name),
  remove: (name: string) => drivers.workers.remove(name),
  list: () => drivers.workers.list(),
  changed: () => changed.splice(0),
  log: async (name: string, volume: string) =>
    await text(await drivers.workers.logs({ name, log: { volume } }, { follow: false })),
  pid: () => process.pid,
};

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  const { id, method, args } = JSON.parse(line);
  void (async () => calls[method]?.(...(args as never[])))().then(
    (value) => process.stdout.write(`${JSON.stringify({ id, value })}\n`),
    (error) =>
      process.stdout.write(
        `${JSON.stringify({ id, error: { kind: error.name, reason: error.reason ?? error.message, advice: error.advice } })}\n`,
      ),
  );
}
watching.abort();
await watch;
await drivers.close();
