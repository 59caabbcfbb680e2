import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalDrivers, type LocalDrivers } from '../../src/index.ts';
import { temporaryDirectory, users } from './users.ts';

const [user] = users as [(typeof users)[number]];

describe('a transfer', () => {
  const place = temporaryDirectory(user);
  let drivers: LocalDrivers;
  const volume = (ref: string) => join(place.path, 'volumes', ref);

  beforeAll(async () => {
    drivers = await createLocalDrivers({ directory: place.path });
  });
  afterAll(async () => {
    await drivers.close();
    await place.remove();
  });

  it('brings a tree from one volume to another', async () => {
    await Promise.all(['from', 'to'].map((ref) => drivers.volumes.create(ref)));
    mkdirSync(join(volume('from'), 'a/empty'), { recursive: true });
    writeFileSync(join(volume('from'), 'a/file'), 'text');
    symlinkSync('file', join(volume('from'), 'a/link'));
    await drivers.transfers.write('to', await drivers.transfers.read('from'));
    expect(readdirSync(join(volume('to'), 'a')).sort()).toEqual(['empty', 'file', 'link']);
    expect(readFileSync(join(volume('to'), 'a/file'), 'utf8')).toBe('text');
    expect(readlinkSync(join(volume('to'), 'a/link'))).toBe('file');
    await drivers.volumes.sync('to');
  });

  it('of a link that leads out is refused', async () => {
    const [from, to] = [randomUUID(), randomUUID()];
    await Promise.all([from, to].map((ref) => drivers.volumes.create(ref)));
    symlinkSync('/etc/passwd', join(volume(from), 'link'));
    await expect(drivers.transfers.write(to, await drivers.transfers.read(from))).rejects.toMatchObject({
      status: 400,
    });
    expect(readdirSync(volume(to))).toEqual([]);
  });
});
