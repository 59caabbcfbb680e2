import { Invalid, maxMountpoints, parseMountPath } from '@knitfab/core';
import type { ImageConfiguration } from '../image-archive/image.ts';

/** Paths where a Plan's Data may be mounted. */
export interface GuessedPaths {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Guesses where an image reads and writes: absolute paths that look like `/in…` and `/out…` in its entrypoint, its command
 * and its volumes (spec page 3), also within options (`--from=/in/1`) and shell commands. Of paths that contain each other
 * the outer one counts, of a file the directory it is in.
 */
export function guessMountpoints({ entrypoint, command, volumes }: ImageConfiguration): GuessedPaths {
  const [, ...words] = [...entrypoint, ...command];
  const program = [...entrypoint, ...command][0] ?? '';
  // What is run is no Data; but a shell command of several words may be all that there is.
  const texts = /\s/.test(program) ? [program, ...words] : words;
  const found = [...volumes, ...texts.flatMap(pathsIn)].map(directoryOf);
  return { inputs: mountable(found, /^\/in/), outputs: mountable(found, /^\/out/) };
}

/** Paths within a word: what is before them is no part of a longer path, what ends them is no part of a usual name. */
const pathsIn = (text: string): string[] =>
  text.match(/(?<![\w./}~-])\/(?:in|out)[^\s"'`:;,|&<>(){}$\\]*/g) ?? [];

/** The part of a path that is surely a directory: before patterns, and before what has a file's ending. */
function directoryOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const end = parts.findIndex((part) => /[*?[\]]/.test(part) || isFileName(part));
  return `/${parts.slice(0, end < 0 ? parts.length : end).join('/')}`;
}

const isFileName = (part: string): boolean => /^[^.].*\.[A-Za-z]\w{0,7}$/.test(part);

/** Well-known words that begin as "in" and have nothing to do with inputs. */
const noInputs = /^\/(init|install|include|index|info)\b/;

function mountable(paths: readonly string[], prefix: RegExp): string[] {
  const fitting = [...new Set(paths)]
    .filter((path) => prefix.test(path) && !noInputs.test(path))
    .filter(isMountPath);
  return fitting
    .filter((path) => !fitting.some((other) => path.startsWith(`${other}/`)))
    .slice(0, maxMountpoints);
}

function isMountPath(path: string): boolean {
  try {
    parseMountPath(path);
    return true;
  } catch (error) {
    if (error instanceof Invalid) return false;
    throw error;
  }
}
