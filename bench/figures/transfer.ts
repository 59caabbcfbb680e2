import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../commands.ts';
import { pushedAndPulled } from '../pushed-and-pulled.ts';

/** One large file of random bytes. */
export const transfer = pushedAndPulled({
  name: 'transfer',
  what: '1 GiB on one machine',
  goal: 0.8,
  rounds: 3,
  async make(directory) {
    await mkdir(directory);
    await run([
      'dd',
      'if=/dev/urandom',
      `of=${join(directory, 'file')}`,
      'bs=1M',
      'count=1024',
      'status=none',
    ]);
  },
  tar: 'tar c -C "$source" . | cat > "$target/file" && sync "$target/file"',
});
