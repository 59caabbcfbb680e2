/** tar + gzip, as 1.6 sends it. */
export const gzippedTar = 'application/tar+gzip';
/** Plain tar: between this command and this server, where the network is faster than gzip. */
export const plainTar = 'application/x-tar';

export const archiveTypes = [gzippedTar, plainTar] as const;
export type ArchiveType = (typeof archiveTypes)[number];

/** The trailer that holds the hexadecimal MD5 of the body's bytes. */
export const checksumTrailer = 'x-checksum-md5';
