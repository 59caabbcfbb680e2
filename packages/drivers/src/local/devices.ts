import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FstabLine } from './fstab.ts';
import type { Places } from './places.ts';

/** What every program may expect below /dev (Linux, Documentation/admin-guide/devices.rst, "Compulsory links" and on). */
const always = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Graphics cards: NVIDIA's, AMD's, those of the kernel's own drivers, and the one that Windows lends (WSL 2). */
const graphics = /^(nvidia.*|kfd|dri|dxg)$/;

const links = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};

/**
 * A worker's /dev: no disks, no consoles; terminals and shared memory of its own; graphics cards as the machine has them.
 * Devices of the machine are mounted over empty files, as making them anew takes rights that ordinary users don't have.
 * @returns the lines that mount it
 */
export async function openDevices(places: Places): Promise<FstabLine[]> {
  const present = await readdir('/dev', { withFileTypes: true });
  const shown = present.filter(
    (entry) =>
      (entry.isCharacterDevice() && (always.includes(entry.name) || graphics.test(entry.name))) ||
      (entry.isDirectory() && graphics.test(entry.name)),
  );
  await Promise.all([
    ...shown.map((entry) => makePlaceFor(join(places.devices, entry.name), entry.isDirectory())),
    ...['pts', 'shm'].map((name) => makePlaceFor(join(places.devices, name), true)),
    ...Object.entries(links).map(([name, target]) =>
      unlessExists(symlink(target, join(places.devices, name))),
    ),
  ]);
  return [
    { source: places.devices, target: '/dev', type: 'none', options: ['bind', 'ro', 'nosuid', 'noexec'] },
    ...shown.map(({ name }) => ({
      source: `/dev/${name}`,
      target: `/dev/${name}`,
      type: 'none',
      options: ['bind'],
    })),
    {
      source: 'devpts',
      target: '/dev/pts',
      type: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=620', 'nosuid', 'noexec'],
    },
    { source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', options: ['mode=1777', 'nosuid', 'nodev'] },
  ];
}

const makePlaceFor = (path: string, isDirectory: boolean): Promise<void> =>
  unlessExists(isDirectory ? mkdir(path) : writeFile(path, '', { flag: 'wx' }));

async function unlessExists(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
