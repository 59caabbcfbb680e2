import { readFileSync } from 'node:fs';

/** One mounted file system, as proc(5), "mountinfo", tells it. */
export interface Mount {
  readonly target: string;
  /** The directory of its file system that is seen at the target. */
  readonly origin: string;
  readonly type: string;
  /** Options of this mount, such as `ro` and `nosuid`. */
  readonly options: readonly string[];
  /** Options of its file system, such as the controllers of a control group hierarchy. */
  readonly fileSystemOptions: readonly string[];
}

/** The mounts that this process can see, as text; cheap enough to look for changes before each start of a worker. */
export const readMountTable = (): string =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => !ofContainers.test(line))
    .join('\n');

/**
 * What container engines and kubelet mount for containers: it comes and goes with them, there may be thousands, and a worker has no
 * business there.
 */
const ofContainers =
  /\/(io\.containerd\.[^/ ]+|kubelet\/pods|containers\/storage\/overlay(-containers)?|docker\/(overlay2|containers)|netns)\//;

/** Reads the table, without the mounts that others cover. Parents come before what is mounted in them. */
export function parseMountTable(text: string): Mount[] {
  const entries = text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return entries
    .filter((entry) => isVisible(entry, entries, byId))
    .map(({ mount }) => mount)
    .sort((a, b) => (a.target < b.target ? -1 : 1));
}

interface Entry {
  readonly id: string;
  readonly parent: string;
  readonly mount: Mount;
}

function parseLine(line: string): Entry {
  const [left = '', right = ''] = line.split(' - ');
  const [id = '', parent = '', , origin = '', target = '', options = ''] = left.split(' ');
  const [type = '', , fileSystemOptions = ''] = right.split(' ');
  return {
    id,
    parent,
    mount: {
      target: unescaped(target),
      origin: unescaped(origin),
      type,
      options: options.split(','),
      fileSystemOptions: fileSystemOptions.split(','),
    },
  };
}

const unescaped = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

function isVisible(entry: Entry, entries: readonly Entry[], byId: ReadonlyMap<string, Entry>): boolean {
  const isCoveredAtItsTarget = entries.some(
    ({ parent, mount }) => parent === entry.id && mount.target === entry.mount.target,
  );
  if (isCoveredAtItsTarget) return false;
  for (let each: Entry | undefined = entry; each !== undefined; each = byId.get(each.parent)) {
    const { id, parent, mount } = each;
    // Of two mounts in the same one, of which one holds the other's place, the outer was made later.
    if (
      entries.some(
        (other) => other.parent === parent && other.id !== id && isBelow(mount.target, other.mount.target),
      )
    ) {
      return false;
    }
    if (id === parent) break;
  }
  return true;
}

/** Whether a path lies in a directory, and is not the directory itself. */
export const isBelow = (path: string, directory: string): boolean =>
  path !== directory && path.startsWith(directory === '/' ? '/' : `${directory}/`);

export const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || isBelow(path, directory);

/** The mount that holds a path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast(({ target }) => isAtOrBelow(path, target));
}
