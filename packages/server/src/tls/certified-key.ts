import { X509Certificate } from 'node:crypto';
import { existsSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server as HttpsServer } from 'node:https';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Invalid } from '@knitfab/core';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

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

/** Kubernetes replaces the files of a Secret at once, but each of them is told of; what is half replaced is let settle. */
const settlingMilliseconds = 500;

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

/**
 * Serves new connections with what the files hold, whenever that changes; connections that are open go on. What can't be used is
 * told, and the certificate before it stays.
 * @returns a function that ends this
 */
export function followCertifiedKey(
  { server }: FastifyInstance,
  files: CertifiedKeyFiles,
  log: FastifyBaseLogger,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let present: Buffer | undefined;
  const reload = async () => {
    try {
      const read = await readCertifiedKey(files);
      if (read === undefined || present?.equals(read.cert)) return;
      present = read.cert;
      (server as HttpsServer).setSecureContext(read);
      const { validTo, subjectAltName } = new X509Certificate(read.cert);
      log.info({ validTo, subjectAltName }, 'the certificate in use');
    } catch (error) {
      log.warn({ err: error }, 'the changed certificate is not used');
    }
  };
  void reload();
  const watcher = watch(dirname(files.cert), () => {
    clearTimeout(timer);
    timer = setTimeout(reload, settlingMilliseconds);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
