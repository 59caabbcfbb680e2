import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { Invalid } from '@knitfab/core';

/** A certificate (with those that it depends on) and its key, both in PEM. */
export interface CertifiedKey {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Where a certificate and its key are kept. */
export interface CertifiedKeyFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads a certificate and its key; undefined when there are none.
 * @throws {Invalid} when they can't be used together
 */
export async function readCertifiedKey({ cert, key }: CertifiedKeyFiles): Promise<CertifiedKey | undefined> {
  if (!existsSync(cert) && !existsSync(key)) return undefined;
  try {
    const read = { cert: await readFile(cert), key: await readFile(key) };
    createSecureContext(read);
    return read;
  } catch (cause) {
    throw new Invalid({
      reason: `the certificate ${cert} can't be used with the key ${key}: ${(cause as Error).message}`,
      advice: 'Give both, in PEM, and of the same pair.',
      cause,
    });
  }
}
