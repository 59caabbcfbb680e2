import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, type User, users } from './users.ts';

const open = `import(process.argv[1])
  .then((drivers) => drivers.createLocalDrivers({ directory: process.argv[2] }))
  .then(() => 'open', (error) => error.name + ': ' + error.message)
  .then((text) => { console.log(text); process.exit(); })`;

/** What becomes of the driver when it is opened by a command that begins so. */
async function opened(user: User, prefix: readonly string[]): Promise<string> {
  const place = temporaryDirectory(user);
  const module = new URL('../../src/index.ts', import.meta.url).href;
  const [file = '', ...args] = [...prefix, process.execPath, '-e', open, module, place.path];
  try {
    return execFileSync(file, args, { encoding: 'utf8', cwd: place.path });
  } finally {
    await place.remove();
  }
}

describe.runIf(users.length > 1)('without the rights for namespaces', () => {
  const [root, ordinary] = users as [User, User];

  it('root is told that the container lacks them', async () => {
    expect(await opened(root, ['setpriv', '--bounding-set', '-sys_admin', '--'])).toMatch(
      /^Unavailable: workers can't be kept apart from this machine: unshare: unshare failed: Operation not permitted\n.*--privileged/,
    );
  });

  it('an ordinary user is told to allow user namespaces', async () => {
    const inside =
      'echo 1 >/proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 --map-group=1000 "$@"';
    const prefix = [...ordinary.prefix, 'unshare', '--user', '--map-root-user', 'sh', '-c', inside, 'sh'];
    expect(await opened(ordinary, prefix)).toMatch(
      /^Unavailable: workers can't be kept apart from this machine: unshare: .*\nStart the server as root, or allow user namespaces/,
    );
  });
});
