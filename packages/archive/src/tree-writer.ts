import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { Invalid } from '@knitfab/core';
import type { ArchiveEntry } from './archive-entry.ts';
import { checkLinks, outwardLinks } from './contained-links.ts';
import { DirectFile } from './direct-file.ts';
import { entryPath, quoted } from './entry-path.ts';
import { FileModes } from './file-modes.ts';
import { LargeFile } from './large-file.ts';
import { SmallFile } from './small-file.ts';
import { systemCode } from './system-error.ts';
import type { TimeSlice } from './time-slice.ts';
import { fileTime, type WrittenFile } from './written-file.ts';
import { innermostFirst, pathOf, type WrittenDirectory, type WrittenLink } from './written-tree.ts';

/** A symbolic link that leads out of the tree that it lies in. */
export interface OutwardLink {
  readonly path: string;
  readonly target: string;
}

/** Writable for us while we fill it, whatever the archive wants it to be in the end. */
const modeWhileWriting = 0o700;

/** The mode of a directory that an entry's path names, but no entry of its own. */
const defaultMode = 0o755;

/** Set-user-id means nothing on a directory. */
const permissions = 0o3777;

/**
 * Writes an archive's entries into an empty directory that nobody else writes to. Nothing is ever written through a link: a
 * directory is entered only when this writer made it, and what exists already is replaced, not opened.
 */
export class TreeWriter {
  readonly #location: string;
  readonly #isDurable: boolean;
  readonly #mayBlock: boolean;
  readonly #root: WrittenDirectory = { kind: 'directory', name: '', children: new Map() };
  /** The parent of the last entry: mostly that of the next one too. */
  #last: { readonly path: string; readonly directory: WrittenDirectory } = {
    path: '',
    directory: this.#root,
  };
  readonly #modes = new FileModes();
  #file: WrittenFile | undefined;

  constructor(
    location: string,
    { durable, mayBlock = false }: { readonly durable: boolean; readonly mayBlock?: boolean },
  ) {
    this.#location = location;
    this.#isDurable = durable;
    this.#mayBlock = mayBlock;
  }

  /**
   * Writes an entry, or begins it: `size` bytes of content must follow.
   * @throws {Invalid} for a name that is not allowed, or that contradicts an earlier entry
   */
  add(entry: ArchiveEntry): void {
    const path = entryPath(entry.path);
    if (entry.kind === 'directory') {
      this.#directory(path).attributes = { mode: entry.mode, mtime: entry.mtime };
    } else {
      this.#addLeaf(path, entry);
    }
  }

  /** Takes the next piece of the last entry's content. A promise means: wait for it before the next piece. */
  content(piece: Buffer): Promise<void> | undefined {
    return this.#file?.write(piece);
  }

  /** Closes what is open after a failure. */
  async abandon(): Promise<void> {
    await this.#file?.abandon();
  }

  /** @throws {Invalid} when a symbolic link leads out of the directory */
  checkLinks(slice: TimeSlice): Promise<void> {
    return checkLinks(this.#root, slice);
  }

  /** The symbolic links that lead out of the directory: their paths, and where they lead. */
  async outwardLinks(slice: TimeSlice): Promise<OutwardLink[]> {
    const links = await outwardLinks(this.#root, slice);
    return links.map((link) => ({ path: pathOf(link), target: link.target }));
  }

  /** Gives the directories their modes and times, now that nothing more is written into them. */
  async finish(slice: TimeSlice): Promise<void> {
    for (const directory of innermostFirst(this.#root)) {
      const location = this.#locate(pathOf(directory));
      if (directory.attributes !== undefined) {
        const { mode, mtime } = directory.attributes;
        utimesSync(location, fileTime(mtime), fileTime(mtime));
        chmodSync(location, mode & permissions);
      } else if (directory !== this.#root) {
        chmodSync(location, defaultMode);
      }
      if (slice.isOver) await slice.next();
    }
  }

  #addLeaf(path: string, entry: ArchiveEntry): void {
    if (path === '') throw new Invalid(`the archive's root ${quoted(entry.path)} is no directory`);
    const slash = path.lastIndexOf('/');
    const parent = this.#directory(path.slice(0, Math.max(slash, 0)));
    const name = path.slice(slash + 1);
    if (entry.kind === 'file') this.#addFile(parent, name, path, entry);
    if (entry.kind === 'symbolic-link') this.#addSymbolicLink(parent, name, path, entry);
    if (entry.kind === 'hard-link') this.#addHardLink(parent, name, path, entry);
  }

  #addFile(parent: WrittenDirectory, name: string, path: string, entry: ArchiveEntry): void {
    this.#replace(parent, name, path, () => {
      const descriptor = this.#modes.create(this.#locate(path), entry.mode);
      this.#file = this.#writtenFile(descriptor, entry);
    });
  }

  #writtenFile(descriptor: number, entry: ArchiveEntry): WrittenFile {
    if (entry.size <= SmallFile.maxSize) return new SmallFile(descriptor, entry);
    if (this.#mayBlock) return new DirectFile(descriptor, entry);
    return new LargeFile(descriptor, entry, { durable: this.#isDurable });
  }

  #addSymbolicLink(
    parent: WrittenDirectory,
    name: string,
    path: string,
    { target = '', mtime }: ArchiveEntry,
  ): void {
    if (target === '' || target.includes('\0')) {
      throw new Invalid(
        `the archive holds the symbolic link ${quoted(path)} to ${quoted(target)}, which is no path`,
      );
    }
    const location = this.#locate(path);
    this.#replace(parent, name, path, () => symlinkSync(target, location));
    lutimesSync(location, fileTime(mtime), fileTime(mtime));
    parent.children.set(name, { kind: 'link', name, parent, target });
  }

  /** Another name for an earlier entry, which must not be reached through a link. */
  #addHardLink(parent: WrittenDirectory, name: string, path: string, { target = '' }: ArchiveEntry): void {
    const targetPath = entryPath(target, `the hard link ${quoted(path)} to`);
    const original = this.#find(targetPath);
    if (original === 'unreachable' || original?.kind === 'directory') throw noOriginal(path, target);
    try {
      // GNU tar writes a file that is named twice as a link to itself.
      if (targetPath === path) return void lstatSync(this.#locate(path));
      this.#replace(parent, name, path, () => linkSync(this.#locate(targetPath), this.#locate(path)));
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? noOriginal(path, target) : error;
    }
    if (original?.kind === 'link') parent.children.set(name, { ...original, name, parent });
  }

  /** Makes a file or link; one of that name that is there already gives way, a directory does not. */
  #replace(parent: WrittenDirectory, name: string, path: string, make: () => void): void {
    try {
      make();
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (parent.children.get(name)?.kind === 'directory') throw twice(path);
      unlinkSync(this.#locate(path));
      make();
    }
    parent.children.delete(name);
  }

  /** The directory of that path, made if need be with all above it. */
  #directory(path: string): WrittenDirectory {
    if (path === this.#last.path) return this.#last.directory;
    let directory = this.#root;
    if (path !== '') for (const name of path.split('/')) directory = this.#subdirectory(directory, name);
    this.#last = { path, directory };
    return directory;
  }

  #subdirectory(parent: WrittenDirectory, name: string): WrittenDirectory {
    const child = parent.children.get(name);
    if (child?.kind === 'directory') return child;
    const directory: WrittenDirectory = { kind: 'directory', name, parent, children: new Map() };
    const path = pathOf(directory);
    if (child?.kind === 'link') throw throughLink(path);
    try {
      mkdirSync(this.#locate(path), modeWhileWriting);
    } catch (error) {
      throw systemCode(error) === 'EEXIST' ? twice(path) : error;
    }
    parent.children.set(name, directory);
    return directory;
  }

  /** What is at a path as far as the tree knows: undefined for a file, or for nothing. */
  #find(path: string): WrittenDirectory | WrittenLink | 'unreachable' | undefined {
    const names = path === '' ? [] : path.split('/');
    let directory = this.#root;
    for (const [index, name] of names.entries()) {
      const child = directory.children.get(name);
      if (index === names.length - 1) return child;
      if (child?.kind !== 'directory') return 'unreachable';
      directory = child;
    }
    return directory;
  }

  #locate(path: string): string {
    return path === '' ? this.#location : `${this.#location}/${path}`;
  }
}

const twice = (path: string): Invalid =>
  new Invalid(`the archive holds ${quoted(path)} twice, as a directory and as something else`);

const throughLink = (path: string): Invalid =>
  new Invalid({
    reason: `the archive uses ${quoted(path)} as a directory, which is a symbolic link in it`,
    advice: 'Pack the directory itself: tar -C DIRECTORY -c .',
  });

const noOriginal = (path: string, target: string): Invalid =>
  new Invalid(
    `the archive holds the hard link ${quoted(path)} to ${quoted(target)}, which is no file before it`,
  );
