import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Trees are removed when all is measured: ext4 does not use the inodes of files that were deleted in the last half minute,
// and while it looks for others, making files is several times slower than it is for anybody else.
const leftovers: string[] = [];

/** A temporary directory that stays until all figures are measured. */
export async function lastingDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'knit-bench-'));
  leftovers.push(directory);
  return directory;
}

export async function removeLeftovers(): Promise<void> {
  for (const directory of leftovers) await rm(directory, { recursive: true, force: true });
}
