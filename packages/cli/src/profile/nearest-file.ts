import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest file of this name, in a directory or above it. */
export function nearestFile(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const file = join(directory, name);
    if (isFile(file)) return file;
    if (directory === dirname(directory)) return undefined;
  }
}

/** A directory of that name (of an environment for Python, say) is something else. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us to see
  }
}
