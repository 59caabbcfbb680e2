import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushedAndPulled } from '../pushed-and-pulled.ts';

const [directories, filesEach, size] = [100, 200, 2048];

/** Many small files. */
export const smallFiles = pushedAndPulled({
  name: 'small-files',
  what: `${directories * filesEach} files of ${size / 1024} KiB`,
  goal: 0.5,
  rounds: 3,
  async make(directory) {
    for (let outer = 0; outer < directories; outer++) {
      const folder = join(directory, `directory-${outer}`);
      await mkdir(folder, { recursive: true });
      for (let inner = 0; inner < filesEach; inner++)
        await writeFile(join(folder, `file-${inner}`), randomBytes(size));
    }
  },
  tar: 'tar c -C "$source" . | tar x -C "$target"',
});
