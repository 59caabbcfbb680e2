import { constants } from 'node:fs';
import { access, opendir } from 'node:fs/promises';
import { Invalid } from '@knitfab/core';

/** So many files are named. */
const mostNamed = 10;

/**
 * Says which files of a tree can't be read, when that is why it could not be packed: whoever mends one of them wants to
 * know of the others.
 * @returns what to throw: the error itself when it has another cause
 */
export async function namingUnreadable(
  error: unknown,
  directory: string,
  dereference: boolean,
): Promise<unknown> {
  const code =
    error instanceof Invalid ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  const files: string[] = [];
  for await (const file of unreadable(directory, dereference)) {
    files.push(file);
    if (files.length > mostNamed) break;
  }
  if (files.length < 2) return error;
  const more = files.length > mostNamed ? ['… and more'] : [];
  return new Invalid({
    reason: `${files.length > mostNamed ? `more than ${mostNamed}` : files.length} files can't be read: permission denied`,
    advice: [...files.slice(0, mostNamed), ...more, 'Nothing was pushed.'].join('\n'),
    cause: error,
  });
}

async function* unreadable(directory: string, dereference: boolean): AsyncGenerator<string, void> {
  const entries = await opendir(directory).catch(() => undefined);
  if (entries === undefined) return yield `${directory}/`;
  for await (const entry of entries) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) yield* unreadable(path, dereference);
    else if ((entry.isFile() || dereference) && !(await isReadable(path))) yield path;
  }
}

const isReadable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
