/** One entry of a tar archive: what a header says of a file, a directory or a link. */
export interface ArchiveEntry {
  readonly kind: 'file' | 'directory' | 'symbolic-link' | 'hard-link';
  /** The name as the archive has it; a directory's may end with `/`. */
  readonly path: string;
  /** Permission bits with set-user-id, set-group-id and sticky: 0–0o7777. */
  readonly mode: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Bytes of content that follow; zero for all but files. */
  readonly size: number;
  /** Where a link leads: of a symbolic link its text, of a hard link the name of an earlier entry. */
  readonly target?: string;
}

/** Headers and contents of a tar archive come in blocks of this many bytes. */
export const blockSize = 512;

/** How many zero bytes follow content of `size` bytes to fill its last block. */
export const paddingOf = (size: number): number => (blockSize - (size % blockSize)) % blockSize;
