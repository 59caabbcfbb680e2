import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Driven } from './driven.ts';
import { isCheckoutHidden, temporaryDirectory, users } from './users.ts';

/** A name that nothing on the machine has. */
const unknown = () => `knit-test-${randomUUID()}`;

describe.each(users)('what a worker of $name sees', (user) => {
  let driven: Driven;

  beforeAll(async () => {
    driven = await Driven.open(user, {}, { DATABASE_URL: 'postgresql://secret', HOME: '/nonexistent' });
  });
  afterAll(() => driven.close());

  /** Makes a volume with a file `text` in it. */
  const inputOf = async (text: string): Promise<string> => {
    const ref = `in-${randomUUID()}`;
    await driven.host.call('create', ref);
    writeFileSync(join(driven.volume(ref), 'text'), text);
    return ref;
  };

  describe('inputs', () => {
    it.each([
      `/${unknown()}`,
      `/${unknown()}/a/b`,
      `/usr/share/${unknown()}/a`,
      `/etc/${unknown()}`,
      `/var/cache/${unknown()}`,
      `/tmp/${unknown()}/x`,
      `/bin/${unknown()}`,
      '/opt',
      `/${unknown()}/with space, "quotes" 'n' \\back\\slash #hash $HOME \`id\``,
      `/${unknown()}/日本語/ü`,
    ])('are at %s', async (path) => {
      const { code, log } = await driven.run('cat "$AT/text"', {
        inputs: [{ path, volume: await inputOf('hello') }],
        env: { AT: path },
      });
      expect({ code, log }).toEqual({ code: 0, log: 'hello' });
    });

    it('leave what is around their paths as it is', async () => {
      const { log } = await driven.run('ls /usr/share/ | grep -v "$NEW"; ls "/usr/share/$NEW"', {
        inputs: [{ path: '/usr/share/knit-new/x', volume: await inputOf('') }],
        env: { NEW: 'knit-new' },
      });
      const { log: plain } = await driven.run('ls /usr/share');
      expect(log).toBe(`${plain}x\n`);
    });

    it('cannot be changed', async () => {
      const volume = await inputOf('original');
      const { log } = await driven.run(
        `cd /in/data
         for try in 'echo x >text' 'echo x >new' 'rm text' 'mv text other' 'chmod 777 text' 'touch text' 'mkdir d' \
           'mount -o remount,rw /in/data' 'mount -o remount,bind,rw /in/data' 'umount /in/data'; do
           (eval "$try") 2>/dev/null && echo "could: $try"
         done
         unshare --user --map-root-user --mount sh -c 'mount -o remount,bind,rw /in/data && echo could' 2>/dev/null
         echo done`,
        { inputs: [{ path: '/in/data', volume }] },
      );
      expect(log).toBe('done\n');
      expect(readFileSync(join(driven.volume(volume), 'text'), 'utf8')).toBe('original');
    });
  });

  describe('outputs', () => {
    it('are empty and writable, and what is written belongs to the user', async () => {
      const { code, log, spec } = await driven.run(
        'ls -A /out; mkdir -p /out/a/b; echo text >/out/a/b/file; ln -s file /out/a/b/link; chmod 640 /out/a/b/file',
      );
      expect({ code, log }).toEqual({ code: 0, log: '' });
      const volume = driven.volume(spec.outputs[0]?.volume ?? '');
      const { uid, gid, mode } = statSync(join(volume, 'a/b/file'));
      expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: user.uid, gid: user.uid, mode: 0o640 });
      expect(readlinkSync(join(volume, 'a/b/link'))).toBe('file');
    });

    it('can be several, at nested and strange paths', async () => {
      const paths = ['/out/a', '/out/b c', `/usr/local/${unknown()}`, `/tmp/${unknown()}`];
      const outputs = await Promise.all(
        paths.map(async (path, index) => {
          const volume = `out-${index}-${randomUUID()}`;
          await driven.host.call('create', volume);
          return { path, volume };
        }),
      );
      const script = paths.map((path, index) => `echo ${index} >'${path}/file'`).join(' && ');
      expect((await driven.run(script, { outputs })).code).toBe(0);
      expect(outputs.map(({ volume }) => driven.read(volume, 'file'))).toEqual(['0\n', '1\n', '2\n', '3\n']);
    });
  });

  describe('the machine', () => {
    it('can be seen', async () => {
      const { log } = await driven.run(
        'cat /etc/passwd; ls -d /usr /etc /var /home; readlink /bin || echo none',
      );
      const link = existsSync('/bin') && readlinkSyncOrNone('/bin');
      expect(log).toBe(`${readFileSync('/etc/passwd', 'utf8')}/etc\n/home\n/usr\n/var\n${link}\n`);
    });

    it('cannot be changed', async () => {
      const name = unknown();
      const places = [
        '/',
        '/etc',
        '/usr',
        '/home',
        '/mnt',
        '/media',
        '/opt',
        '/run',
        '/srv',
        '/var',
        '/var/lib',
        '/boot',
      ];
      places.push(
        '/dev/shm',
        '/tmp',
        '/var/tmp',
        '/root',
        '/sys',
        '/proc/sys',
        import.meta.dirname,
        driven.directory,
      );
      const files = places.map((place) => join(place, name));
      const host = hostname();
      const { log } = await driven.run(
        `for file in $FILES; do echo x >"$file"; done 2>/dev/null
         echo '# changed' >>/etc/hosts; rm -f /etc/hostname; mv /etc/passwd /etc/passwd-moved
         echo changed >/proc/sys/kernel/hostname; hostname changed; echo done`,
        { env: { FILES: files.join(' ') } },
      );
      expect(log.endsWith('done\n')).toBe(true);
      expect(files.filter((file) => existsSync(file))).toEqual([]);
      expect(readFileSync('/etc/hosts', 'utf8')).not.toContain('# changed');
      expect(existsSync('/etc/passwd')).toBe(true);
      expect(hostname()).toBe(host);
    });

    it('is as it was for the next worker', async () => {
      const name = unknown();
      await driven.run(`echo x >/${name}; echo x >/tmp/${name}; echo x >/dev/shm/${name}`);
      const { log } = await driven.run(`ls -d /${name} /tmp/${name} /dev/shm/${name} 2>/dev/null; echo done`);
      expect(log).toBe('done\n');
    });

    it('can be written to in / all the same', async () => {
      const { code } = await driven.run('mkdir /work-here && cd /work-here && echo x >file && cat file');
      expect(code).toBe(0);
    });

    it.skipIf(isCheckoutHidden)('shows its network', async () => {
      const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      const script = `require('net').connect(${port}, '127.0.0.1').pipe(process.stdout)`;
      const { log } = await driven.runCommand([process.execPath, '-e', script]);
      server.close();
      expect(log).toBe('hello');
    });
  });

  describe('its own', () => {
    it.each(['/tmp', '/var/tmp', '/dev/shm'])('%s, empty and writable for everybody', async (directory) => {
      const { log } = await driven.run(`ls -A "$D"; echo x >"$D/x" && cat "$D/x"; stat -c %a "$D"`, {
        env: { D: directory },
      });
      expect(log).toBe('x\n1777\n');
    });

    it('processes and nothing of the others', async () => {
      const { log } = await driven.run('ls -d /proc/[0-9]* | wc -l; kill -0 -1; cat /proc/1/comm');
      expect(Number(log.split('\n')[0])).toBeLessThan(6);
    });

    it('namespaces for mounts, processes and IPC; the network and the host name are the machine’s', async () => {
      const kinds = ['mnt', 'pid', 'ipc', 'net', 'uts'];
      const { log } = await driven.run(`for n in ${kinds.join(' ')}; do readlink /proc/self/ns/$n; done`);
      const same = log
        .trim()
        .split('\n')
        .map((name, index) => name === readlinkSync(`/proc/self/ns/${kinds[index]}`));
      expect(same).toEqual([false, false, false, true, true]);
    });

    it('few devices', async () => {
      const { log } = await driven.run(
        `echo x >/dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c; ls /dev; find /dev -type b`,
      );
      const [zeros, random, ...devices] = log.trim().split('\n');
      expect([zeros, random]).toEqual(['3', '3']);
      const known = 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' ');
      expect(devices).toEqual(expect.arrayContaining(known));
      expect(devices.filter((name) => !known.includes(name) && !/^(nvidia|dri|kfd|dxg)/.test(name))).toEqual(
        [],
      );
    });

    it('environment: the user’s way of working, what the Run adds, and no secrets', async () => {
      const { log } = await driven.runCommand(['env'], { env: { ADDED: 'some\nthing', TZ: 'Asia/Tokyo' } });
      const names = log.match(/^[A-Z_]+(?==)/gm) ?? [];
      expect(log).toContain('ADDED=some\nthing\n');
      expect(log).toContain('TZ=Asia/Tokyo\n');
      expect(log).toContain('TMPDIR=/tmp\n');
      expect(log).toContain('HOME=/nonexistent\n');
      const allowed = 'ADDED HOME LANG LANGUAGE LC_ALL LC_CTYPE LOGNAME PATH PWD SHELL TMPDIR TZ USER'.split(
        ' ',
      );
      expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
    });

    it('identity: the user that runs the server, without rights over the machine', async () => {
      const { log } = await driven.run('id -u; id -g; grep CapEff /proc/self/status');
      const [uid, gid, capabilities = ''] = log.trim().split('\n');
      expect([uid, gid]).toEqual([String(user.uid), String(user.uid)]);
      const administer = 1n << 21n; // CAP_SYS_ADMIN
      expect(BigInt(`0x${capabilities.split(/\s+/)[1]}`) & administer).toBe(0n);
    });

    it('current directory, the root', async () => {
      expect((await driven.run('pwd')).log).toBe('/\n');
    });

    it('signals as programs expect them: none ignored, and no input', async () => {
      const { log } = await driven.run('grep SigIgn /proc/self/status; cat; echo end of input');
      expect(log).toBe('SigIgn:\t0000000000000000\nend of input\n');
      expect((await driven.run('kill -INT $$; sleep 10')).code).toBe(130);
    });
  });

  it('is the same when the server’s directory has a strange name, and its files are private', async () => {
    const place = temporaryDirectory(user);
    const strange = join(place.path, 'a b:c,d\\e\'f"g#h=i\u00fc');
    mkdirSync(strange);
    chownSync(strange, user.uid, user.uid);
    const there = await Driven.open(user, {}, { HOME: strange, UMASK: '077' }, strange);
    try {
      const { log, spec } = await there.run('stat -c %a / /tmp /in /dev/null; cat /in/x/text; : >/out/file', {
        inputs: [{ path: '/in/x', volume: 'in' }],
      });
      expect(log).toMatch(/^755\n1777\n755\n666\ncat: .*No such file/);
      expect(statSync(join(there.volume(spec.outputs[0]?.volume ?? ''), 'file')).mode & 0o777).toBe(0o600);
    } finally {
      await there.close();
      await place.remove();
    }
  });

  describe('a server whose directory is in the home directory', () => {
    it.skipIf(isCheckoutHidden)(
      'hides it from workers, with all else that it is told to, and not the rest of the home directory',
      async () => {
        const home = temporaryDirectory(user, import.meta.dirname);
        writeFileSync(join(home.path, 'settings'), 'mine');
        mkdirSync(join(home.path, 'secret'));
        writeFileSync(join(home.path, 'secret/password'), '');
        const there = await Driven.open(
          user,
          { hidden: [join(home.path, 'secret')] },
          { HOME: home.path },
          home.path,
        );
        try {
          const { log } = await there.run(
            `cat ~/settings; echo; ls -A ~/secret ${there.directory}; ls -A ${there.directory}/volumes 2>&1`,
          );
          expect(log).toMatch(
            /^mine\n\S*\/knit-local-\S*:\n\n\S*\/secret:\nls: .*No such file or directory\n$/,
          );
        } finally {
          await there.close();
          await home.remove();
        }
      },
    );

    it.skipIf(isCheckoutHidden)(
      'lets workers write to the home directory, and keeps nothing of it',
      async () => {
        const outer = temporaryDirectory(user, import.meta.dirname);
        const home = { ...outer, path: join(outer.path, 'my home') };
        mkdirSync(home.path);
        chownSync(home.path, user.uid, user.uid);
        writeFileSync(join(home.path, 'settings'), 'mine');
        chownSync(join(home.path, 'settings'), user.uid, user.uid);
        const there = await Driven.open(user, {}, { HOME: home.path });
        try {
          const script = 'cd ~ && mkdir -p .cache/x && echo y >>settings && echo z >new && cat settings new';
          expect((await there.run(script)).log).toBe('miney\nz\n');
          expect(readdirSync(home.path)).toEqual(['settings']);
          expect(readFileSync(join(home.path, 'settings'), 'utf8')).toBe('mine');
        } finally {
          await there.close();
          await home.remove();
        }
      },
    );
  });
});

function readlinkSyncOrNone(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return 'none';
  }
}
