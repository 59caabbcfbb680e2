import { Invalid } from '@knitfab/core';
import { quoted } from './entry-path.ts';
import type { TimeSlice } from './time-slice.ts';
import { linksOf, pathOf, type WrittenDirectory, type WrittenLink } from './written-tree.ts';

/** Where a path has led so far: a directory of the archive, and how many names below it that the archive does not hold. */
interface Place {
  readonly directory: WrittenDirectory;
  readonly below: number;
}

/** A link on the way to being followed. */
interface Step {
  readonly link: WrittenLink;
  readonly parts: readonly string[];
  next: number;
  place: Place;
}

/**
 * Checks that no symbolic link leads out of the tree: each is followed in the tree as the archive made it, through all other
 * links on its way. One that leads nowhere or round in circles does no harm.
 * @throws {Invalid} naming a link whose target is absolute or leaves the root
 */
export async function checkLinks(root: WrittenDirectory, slice: TimeSlice): Promise<void> {
  const followed = new Map<WrittenLink, Place | 'nowhere'>();
  for (const link of linksOf(root)) {
    follow(link, followed);
    if (slice.isOver) await slice.next();
  }
}

/** The symbolic links that lead out of the tree, or over others that do. */
export async function outwardLinks(root: WrittenDirectory, slice: TimeSlice): Promise<WrittenLink[]> {
  const followed = new Map<WrittenLink, Place | 'nowhere'>();
  const outward: WrittenLink[] = [];
  for (const link of linksOf(root)) {
    try {
      follow(link, followed);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      outward.push(link);
    }
    if (slice.isOver) await slice.next();
  }
  return outward;
}

/**
 * Follows a link to its end, other links first where it needs them; each link of the tree is followed once. A stack of its own
 * in place of recursion: a chain of links may be longer than the call stack.
 */
function follow(start: WrittenLink, followed: Map<WrittenLink, Place | 'nowhere'>): void {
  const steps = followed.has(start) ? [] : [firstStep(start)];
  const onTheWay = new Set([start]);
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const needed = walkToLink(step);
    if (needed !== undefined && !followed.has(needed) && !onTheWay.has(needed)) {
      steps.push(firstStep(needed));
      onTheWay.add(needed);
      continue;
    }
    // A link that is on the way already leads round in circles.
    const place = needed === undefined ? step.place : (followed.get(needed) ?? 'nowhere');
    if (needed === undefined || place === 'nowhere') {
      followed.set(step.link, place);
      onTheWay.delete(step.link);
      steps.pop();
    } else {
      step.place = place;
      step.next++;
    }
  }
}

function firstStep(link: WrittenLink): Step {
  if (link.target.startsWith('/')) throw leadsOut(link);
  return { link, parts: link.target.split('/'), next: 0, place: { directory: link.parent, below: 0 } };
}

/** Takes the step's parts up to the next that is a link itself, and returns that one; undefined at the end. */
function walkToLink(step: Step): WrittenLink | undefined {
  for (; step.next < step.parts.length; step.next++) {
    const part = step.parts[step.next] ?? '';
    const { directory, below } = step.place;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      step.place = above(step);
      continue;
    }
    const child = below > 0 ? undefined : directory.children.get(part);
    if (child?.kind === 'link') return child;
    step.place = child === undefined ? { directory, below: below + 1 } : { directory: child, below: 0 };
  }
  return undefined;
}

function above({ link, place: { directory, below } }: Step): Place {
  if (below > 0) return { directory, below: below - 1 };
  if (directory.parent === undefined) throw leadsOut(link);
  return { directory: directory.parent, below: 0 };
}

const leadsOut = (link: WrittenLink): Invalid =>
  new Invalid({
    reason: `the archive holds the symbolic link ${quoted(pathOf(link))} to ${quoted(link.target)}, which leads out of the directory`,
    advice: 'Remove the link, or pack what it leads to in its place (--dereference).',
  });
