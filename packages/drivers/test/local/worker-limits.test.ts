import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Driven, type Ended } from './driven.ts';
import { isCheckoutHidden, users } from './users.ts';

const noted = ({ execution }: Ended) =>
  (execution?.notes ?? []).filter((note) => note.includes('not limited'));

describe.each(users)('limits of a worker of $name', (user) => {
  let driven: Driven;
  /** What can't be limited here. */
  let lacking = '';

  beforeAll(async () => {
    driven = await Driven.open(user, { stopGraceSeconds: 0.5, capacity: { cpu: 64, memory: 2 ** 40 } });
    lacking = noted(await driven.run('exit 0')).join();
  });
  afterAll(() => driven.close());

  const resources = (cpu: string, memory: string) => ({ resources: { cpu, memory } });

  it('are set, or the Run has a note that they are not', async () => {
    const { log } = await driven.run(
      `while IFS=: read -r n controllers path; do
         for file in memory.limit_in_bytes memory.max cpu.cfs_quota_us cpu.max; do
           cat "/sys/fs/cgroup/$controllers$path/$file" "/sys/fs/cgroup$path/$file" 2>/dev/null
         done
       done </proc/self/cgroup`,
      resources('500m', '64Mi'),
    );
    if (lacking.includes('cpu')) expect(lacking).toContain('not limited');
    else expect(log).toMatch(/^50000/m);
    if (lacking.includes('memory')) expect(lacking).toContain('not limited');
    else expect(log).toMatch(/^67108864$/m);
  });

  it.skipIf(isCheckoutHidden)(
    'of memory end it as OOMKilled, with the memory that it has used',
    async ({ skip }) => {
      if (lacking.includes('memory')) skip(lacking);
      const ended = await driven.runCommand(
        [process.execPath, '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1))'],
        resources('1', '128Mi'),
      );
      expect(ended).toMatchObject({ code: 137, reason: 'OOMKilled' });
      expect(ended.execution?.peakMemoryBytes).toBeGreaterThan(100 * 2 ** 20);
      expect(ended.execution?.peakMemoryBytes).toBeLessThanOrEqual(128 * 2 ** 20);
    },
  );

  it('of memory that were not reached are not named as the reason', async () => {
    const ended = await driven.run('kill -KILL $$', resources('1', '128Mi'));
    expect(ended).toMatchObject({ code: 137, reason: 'Error' });
  });

  it('of memory hold for files in /dev/shm, and not for those in /tmp', async ({ skip }) => {
    if (lacking.includes('memory')) skip(lacking);
    const write = (directory: string) =>
      driven.run(`head -c 100000000 /dev/zero >${directory}/file`, resources('1', '32Mi'));
    expect(await write('/dev/shm')).toMatchObject({ code: 137, reason: 'OOMKilled' });
    expect(await write('/tmp')).toMatchObject({ code: 0 });
  });

  it('cannot be left', async () => {
    const { log } = await driven.run(
      `for f in $(find /sys/fs/cgroup -maxdepth 4 -name cgroup.procs); do echo 0 >"$f" && echo "could: $f"; done 2>/dev/null; echo done`,
    );
    expect(log).toBe('done\n');
  });

  it('of no size are no limits', async () => {
    expect(await driven.run('exit 0', resources('0', '0'))).toMatchObject({ code: 0 });
  });

  it('leave no control groups behind', async () => {
    const spec = await driven.start(['sleep', '1000']);
    await driven.until(spec, 'running');
    const directories = groupsOf(driven, spec.name);
    expect(directories.every((each) => existsSync(each))).toBe(true);
    expect(directories.length > 0).toBe(lacking === '');
    await driven.host.call('remove', spec.name);
    expect(directories.filter((each) => existsSync(each))).toEqual([]);
  });
});

describe.runIf(users.some(({ isRoot }) => isRoot))('control groups of all workers', () => {
  it('are gone with the server, unless workers go on', async () => {
    const [root] = users;
    if (root === undefined) return;
    const driven = await Driven.open(root, {});
    const spec = await driven.start(['sleep', '1000']);
    await driven.until(spec, 'running');
    const ofAll = groupsOf(driven, spec.name).map((directory) => dirname(directory));
    await driven.host.call('remove', spec.name);
    expect(ofAll.every((each) => existsSync(each))).toBe(true);
    await driven.close();
    expect(ofAll.filter((each) => existsSync(each))).toEqual([]);
  });
});

/** The control groups that a worker has, as the driver has noted them. */
function groupsOf({ directory }: Driven, worker: string): string[] {
  const noted = /"groups":(\{.*\})/.exec(readFileSync(join(directory, 'workers', worker, 'worker'), 'utf8'));
  const { version, ...directories } = JSON.parse(noted?.[1]?.replace(/\}\}$/, '}') ?? '{}');
  return Object.values(directories);
}
