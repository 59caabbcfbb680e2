import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Driven } from './driven.ts';
import { temporaryDirectory, users } from './users.ts';

// Only root can give the machine other mounts; it does so in a namespace of the driver's own.
describe.runIf(users.length > 1).each(users)(
  'on a machine with other file systems mounted, $name',
  (user) => {
    const place = temporaryDirectory(user, import.meta.dirname);
    const at = (name: string) => join(place.path, name);
    let driven: Driven;

    beforeAll(async () => {
      for (const name of ['data', 'inner', 'covered', 'home']) {
        mkdirSync(at(name));
        writeFileSync(join(at(name), name), name);
        chownSync(at(name), user.uid, user.uid);
      }
      mkdirSync(at('data/with space'));
      mkdirSync(at('covered/below'));
      const script = `
      mount --bind "$0/data" /media && mount -o remount,bind,nosuid,nodev,noexec,noatime /media
      mount --bind "$0/inner" "/media/with space"
      mount --bind "$0/covered" /srv && mount -t tmpfs tmpfs /srv/below && mount -t tmpfs -o mode=755 tmpfs /srv
      mount --bind "$0/home" /home
      mount --bind "$0/data/data" /etc/hostname
      exec "$@"`;
      const behind = ['unshare', '--mount', 'sh', '-e', '-c', script, place.path, ...user.prefix];
      driven = await Driven.open({ ...user, prefix: behind }, {}, { HOME: '/home' });
    });
    afterAll(async () => {
      await driven.close();
      await place.remove();
    });

    it('sees what is in them, and nothing that is covered', async () => {
      const { log } = await driven.run(
        'cat /media/data "/media/with space/inner" /etc/hostname; ls -A /srv /srv/below',
      );
      expect(log).toMatch(/^datainnerdatals: .*\n\/srv:\n$/);
      expect(log).not.toContain('covered');
    });

    it('changes nothing in them', async () => {
      const { log } = await driven.run(
        `for f in /media/x "/media/with space/x" /srv/x /etc/hostname; do echo x >"$f" && echo "could: $f"; done 2>/dev/null
       for f in /media "/media/with space" /srv /etc/hostname; do
         mount -o remount,bind,rw "$f" || umount "$f" || mount -t tmpfs tmpfs "$f" && echo "could: $f"
       done 2>/dev/null; echo done`,
      );
      expect(log).toBe('done\n');
      expect(readdirSync(at('data')).sort()).toEqual(['data', 'with space']);
      expect(readdirSync(at('inner'))).toEqual(['inner']);
      expect(readFileSync(at('data/data'), 'utf8')).toBe('data');
    });

    it('finds them with their options', async () => {
      await driven.host.call('create', 'input');
      const inputs = [{ path: '/media/with space/c', volume: 'input' }];
      for (const parts of [{}, { inputs }]) {
        const { log } = await driven.run(
          "sed -n 's/^[^/]*\\S* \\/media \\(\\S*\\) .*/\\1/p' /proc/self/mountinfo",
          parts,
        );
        expect(log).toMatch(/^ro,nosuid,nodev,noexec,/);
      }
    });

    it('may write to the home directory that is one of them, without a trace', async () => {
      expect((await driven.run('echo x >~/new && cat ~/home ~/new')).log).toBe('homex\n');
      expect(existsSync(at('home/new'))).toBe(false);
    });

    it('has an input at a path that is missing in one of them', async () => {
      const inputs = [{ path: '/media/with space/a/b', volume: 'input' }];
      await driven.host.call('create', 'input');
      writeFileSync(join(driven.volume('input'), 'text'), 'hello');
      const { log } = await driven.run(
        'cat "/media/with space/a/b/text" "/media/with space/inner" /media/data',
        { inputs },
      );
      expect(log).toBe('helloinnerdata');
      expect(readdirSync(at('inner'))).toEqual(['inner']);
    });

    it('has an input at a path that is missing where others are mounted, or is told that it can’t', async () => {
      const parts = { inputs: [{ path: '/media/a/b', volume: 'input' }] };
      if (user.isRoot) {
        expect(
          (await driven.run('cat /media/a/b/text "/media/with space/inner" /media/data', parts)).log,
        ).toBe('helloinnerdata');
      } else {
        await expect(driven.run('true', parts)).rejects.toThrow(
          /Invalid: \/media\/a\/b does not exist.*other file systems/s,
        );
      }
    });
  },
);
