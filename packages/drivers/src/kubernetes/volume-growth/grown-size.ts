/** When a volume is too full, and by how much it grows. */
export interface GrowthLimits {
  /** From how many per cent used on. */
  readonly fullPercent: number;
  /** By how many per cent of its size. */
  readonly growPercent: number;
  /** What no volume grows beyond, in bytes. */
  readonly maximumBytes: number;
}

/** A volume as its node and its claim tell of it, in bytes. */
export interface VolumeFilling {
  /** Of the file system. */
  readonly capacity: number;
  readonly available: number;
  /** What is asked for in the claim. */
  readonly requested: number;
  /** What the claim was given so far. */
  readonly given: number;
}

const mebibyte = 2 ** 20;

/** How much larger than its claim a file system may be and still be the claim's own: drivers round up. */
const ownTolerance = 1.2;

/**
 * The size that a volume should have, in bytes; undefined when it should stay as it is: it has room, it is growing already, it is as
 * large as it may get, or its size means nothing, as with NFS, where every volume shows the room of the whole server.
 */
export function grownSize(
  { capacity, available, requested, given }: VolumeFilling,
  { fullPercent, growPercent, maximumBytes }: GrowthLimits,
): number | undefined {
  const isShared = capacity > given * ownTolerance;
  const isGrowing = requested > given;
  const used = capacity - available;
  if (isShared || isGrowing || used < (capacity * fullPercent) / 100) return undefined;
  const wanted = Math.ceil((requested * (1 + growPercent / 100)) / mebibyte) * mebibyte;
  const size = Math.min(wanted, maximumBytes);
  return size > requested ? size : undefined;
}
