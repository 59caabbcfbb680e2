import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest file of this name, in a directory or above it. */
export function nearestFile(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const file = join(directory, name);
    if (existsSync(file)) return file;
    if (directory === dirname(directory)) return undefined;
  }
}
