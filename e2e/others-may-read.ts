import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whether users other than its owner can read this checkout: root's home lets nobody through, for one. */
export const othersMayRead: boolean = isOpen(fileURLToPath(new URL('..', import.meta.url)));

function isOpen(path: string): boolean {
  const isPassable = (statSync(path).mode & 0o001) !== 0;
  return isPassable && (dirname(path) === path || isOpen(dirname(path)));
}

if (!othersMayRead)
  console.warn(
    'SKIPPED: tests as another user, who could not read this checkout: it lies in a closed directory',
  );
