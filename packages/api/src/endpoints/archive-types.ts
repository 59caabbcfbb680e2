/** tar + gzip, as 1.6 sends it. */
export const gzippedTar = 'application/tar+gzip';
/** tar + zstd: between this command and this server; each stream has a checksum of its own. */
export const zstdTar = 'application/tar+zstd';
/** Plain tar: between this command and this server, where the network is faster than gzip. */
export const plainTar = 'application/x-tar';

export const archiveTypes = [gzippedTar, zstdTar, plainTar] as const;
export type ArchiveType = (typeof archiveTypes)[number];

/** The trailer that holds the hexadecimal MD5 of the body's bytes. */
export const checksumTrailer = 'x-checksum-md5';

/**
 * Whether a body may end with that trailer: 1.6 sends it unannounced, and knows gzip only; the other types are ours, where it is
 * announced.
 */
export const mayHaveChecksum = (
  contentType: string,
  { trailer }: { readonly trailer?: string | undefined },
): boolean => trailer !== undefined || ![zstdTar, plainTar].some((type) => contentType.startsWith(type));
