import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseProfile, ownProfileName, profileName } from '../src/profile/choose.ts';
import { readKnitEnv } from '../src/profile/knitenv.ts';
import { checkedProfile } from '../src/profile/profile.ts';
import { announceServer, runningServers, withdrawServer } from '../src/profile/running-servers.ts';
import { storedProfile, storeProfile, writeWhole } from '../src/profile/store.ts';

let home: string;
let project: string;
let store: string;
const homeBefore = process.env.HOME;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'knit-profile-'));
  process.env.HOME = home;
  project = join(home, 'project', 'deep');
  store = join(home, '.knit', 'profile');
  await mkdir(project, { recursive: true });
});

afterEach(async () => {
  process.env.HOME = homeBefore;
  await rm(home, { recursive: true });
});

const profile = (port: number) => ({ apiRoot: `http://127.0.0.1:${port}/api` });

/** What an announcement of another process looks like. */
async function announceOther(pid: number, port: number, process: object = {}): Promise<void> {
  await mkdir(join(home, '.knit', 'servers'), { recursive: true });
  const server = { ...profile(port), dataDir: '/data', process: { host: hostname(), pid, ...process } };
  await writeFile(join(home, '.knit', 'servers', `${hostname()}-${pid}.json`), JSON.stringify(server));
}

describe('the name of the profile', () => {
  it('is the option, else the first line of the nearest .knitprofile, else the path of the directory', async () => {
    expect(await profileName({}, project)).toBe(project);
    await writeFile(join(home, 'project', '.knitprofile'), 'work\nsecond line\n');
    expect(await profileName({}, project)).toBe('work');
    expect(await profileName({ profile: 'other' }, project)).toBe('other');
    expect(await ownProfileName(project)).toBeUndefined();
    expect(await ownProfileName(join(home, 'project'))).toBe('work');
  });

  it('can not be nothing', async () => {
    await writeFile(join(project, '.knitprofile'), '\n');
    await expect(profileName({}, project)).rejects.toThrow('is empty');
  });
});

describe('the profile store', () => {
  it('is for its owner alone, and keeps the other profiles', async () => {
    await storeProfile(store, 'a', profile(1));
    await storeProfile(store, '/path/to b: #x', profile(2));
    expect((await stat(store)).mode & 0o777).toBe(0o600);
    expect(await storedProfile(store, 'a')).toEqual(profile(1));
    expect(await storedProfile(store, '/path/to b: #x')).toEqual(profile(2));
    expect(await storedProfile(store, 'constructor')).toBeUndefined();
  });

  it('becomes one for its owner alone when it was for others, too', async () => {
    await storeProfile(store, 'a', profile(1));
    await chmod(store, 0o666);
    await storeProfile(store, 'b', profile(2));
    expect((await stat(store)).mode & 0o777).toBe(0o600);
    expect(await storedProfile(store, 'a')).toEqual(profile(1));
  });

  it('that is a link to elsewhere stays one', async () => {
    const elsewhere = join(home, 'dotfiles');
    await writeFile(elsewhere, 'a: {apiRoot: "http://127.0.0.1:1/api"}\n');
    await mkdir(join(home, '.knit'));
    await symlink(elsewhere, store);
    await storeProfile(store, 'b', profile(2));
    expect((await lstat(store)).isSymbolicLink()).toBe(true);
    expect(await storedProfile(elsewhere, 'b')).toEqual(profile(2));
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o600);
  });

  it('that can not be written leaves nothing half-written', async () => {
    await mkdir(join(store, 'in-the-way'), { recursive: true });
    await expect(writeWhole(store, 'a')).rejects.toThrow('EISDIR');
    expect(await readdir(join(home, '.knit'))).toEqual(['profile']);
  });

  it.each([
    ['a: [\n', /profile:2:1: it is not YAML.*[\s\S]*knit init/],
    ['- a\n', /profile:1:1: this is no profile store/],
    ['b: {apiRoot: "http://x/api"}\na: {apiRoot: 5}\n', /profile:2:1: the profile "a" has no apiRoot/],
    ['a: {apiRoot: "https://x/api", cert: {ca: Zm9v}}\n', /profile:1:1: the profile "a" has a cert.ca/],
    ['a: {apiRoot: "http://x/api"}\na: {apiRoot: "http://y/api"}\n', /profile:2:1: the field is there twice/],
  ])('that says %j is refused with file, line and what to do', async (content, reason) => {
    await mkdir(join(home, '.knit'));
    await writeFile(store, content);
    await expect(storedProfile(store, 'a')).rejects.toThrow(reason);
  });

  it('that can not be understood is left alone', async () => {
    await mkdir(join(home, '.knit'));
    await writeFile(store, 'a: [');
    await expect(storeProfile(store, 'a', profile(1))).rejects.toThrow('is not YAML');
    expect(await readFile(store, 'utf8')).toBe('a: [');
  });
});

describe('a profile', () => {
  it.each([
    [{}, 'apiRoot'],
    [null, 'apiRoot'],
    [{ apiRoot: 'knitfab.example.com' }, 'apiRoot'],
    [{ apiRoot: 'file:///etc' }, 'apiRoot'],
    [{ apiRoot: 'https://x/api', cert: { ca: 'bm8gY2VydGlmaWNhdGU=' } }, 'cert.ca'],
  ])('%j is refused', (value, reason) => {
    expect(() => checkedProfile(value, 'the file')).toThrow(reason);
  });
});

describe('the server to talk to', () => {
  it('is the only one that runs, where no profile is named', async () => {
    await announceServer({ ...profile(4711), dataDir: '/data' });
    expect(await chooseProfile({}, project)).toEqual({ name: 'local:4711', ...profile(4711) });
    await withdrawServer();
    await expect(chooseProfile({}, project)).rejects.toThrow(/you run none on this machine[\s\S]*knit up/);
  });

  it('is a named one rather than a running one', async () => {
    await announceServer({ ...profile(4711), dataDir: '/data' });
    await storeProfile(store, 'work', profile(1));
    await writeFile(join(home, 'project', '.knitprofile'), 'work\n');
    expect(await chooseProfile({}, project)).toMatchObject(profile(1));
    expect(await chooseProfile({ profile: 'local' }, project)).toMatchObject(profile(4711));
    await expect(chooseProfile({ profile: 'wrok' }, project)).rejects.toThrow(/no profile "wrok"[\s\S]*work/);
  });

  it('has to be named when several run', async () => {
    await announceServer({ ...profile(4711), dataDir: '/data/a' });
    await announceOther(process.ppid, 4712);
    await expect(chooseProfile({}, project)).rejects.toThrow(
      /2 Knitfab servers[\s\S]*local:4711[\s\S]*local:4712/,
    );
    expect(await chooseProfile({ profile: 'local:4712' }, project)).toMatchObject(profile(4712));
    await writeFile(join(project, '.knitprofile'), 'local:4711\n');
    expect(await chooseProfile({}, project)).toMatchObject(profile(4711));
  });

  it('is none that was killed, also when another process has its number', async () => {
    const ended = spawn('true');
    await once(ended, 'exit');
    await announceOther(ended.pid ?? 0, 1);
    await announceOther(process.ppid, 2, { started: '1' });
    expect(await runningServers()).toEqual([]);
  });

  it('is none on another machine that has the same home directory', async () => {
    await announceOther(process.ppid, 1, { host: 'elsewhere.example.com' });
    expect(await runningServers()).toEqual([]);
    await announceServer({ ...profile(4711), dataDir: '/data' });
    expect(
      await readFile(join(home, '.knit', 'servers', `${hostname()}-${process.ppid}.json`), 'utf8'),
    ).toContain('elsewhere');
  });
});

describe('knitenv', () => {
  it('is the nearest one, upwards', async () => {
    await writeFile(
      join(home, 'project', 'knitenv'),
      'tag: ["project:spam"]\nresource: {cpu: 2, memory: 1Gi}\n',
    );
    expect(await readKnitEnv(undefined, project)).toEqual({
      tags: [{ key: 'project', value: 'spam' }],
      resources: { cpu: '2', memory: '1Gi' },
    });
  });

  it('may be missing, unless it is named', async () => {
    expect(await readKnitEnv(undefined, project)).toEqual({ tags: [], resources: {} });
    await expect(readKnitEnv(join(home, 'nothing'), project)).rejects.toThrow('ENOENT');
  });

  it('is no directory of that name', async () => {
    await mkdir(join(project, 'knitenv'));
    await writeFile(join(home, 'project', 'knitenv'), '\uFEFFtag: ["project:spam"]\r\n');
    expect((await readKnitEnv(undefined, project)).tags).toEqual([{ key: 'project', value: 'spam' }]);
  });

  it('may be empty', async () => {
    await writeFile(join(project, 'knitenv'), '# nothing yet\n');
    expect(await readKnitEnv(undefined, project)).toEqual({ tags: [], resources: {} });
  });

  it.each([
    ['tag: type:raw', '1:6: "tag" is not a list'],
    ['tag: [raw]', '1:7: "raw" is not a tag'],
    ['tag:\n  - type: raw', '2:5: this is not a tag'],
    ['tag: ["knit#id:1"]', '1:7: "tag" names the system tag'],
    ['tags: ["a:b"]', '1:1: the field "tags" means nothing here\nDid you mean "tag"?'],
    ['resource: [cpu]', '1:11: "resource" is not'],
    ['resource: {memory: lots}', '1:20: "lots" is not a quantity'],
    ['tag: [', 'it is not YAML'],
    ['- a', '1:1: this is no knitenv'],
  ])('%s is refused, with file, line and column', async (content, reason) => {
    const file = join(project, 'knitenv');
    await writeFile(file, content);
    await expect(readKnitEnv(undefined, project)).rejects.toThrow(reason);
    await expect(readKnitEnv(undefined, project)).rejects.toThrow(`${file}:`);
  });
});
