import { X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import type { Server as HttpsServer } from 'node:https';
import { dirname } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { type CertifiedKey, type CertifiedKeyFiles, readCertifiedKey } from './certified-key.ts';

/** Files that are replaced one after the other are let settle. */
const settlingMilliseconds = 500;
/** Where changes are not told, they are looked for. */
const lookMilliseconds = 60_000;

/**
 * Serves new connections with what the files hold, whenever that changes; connections that are open go on. What can't be used is
 * told, and the certificate before it stays.
 * @param options.inUse what the server began with
 * @returns a function that ends this
 */
export function followCertifiedKey(
  { server }: FastifyInstance,
  { files, inUse, log }: { files: CertifiedKeyFiles; inUse: CertifiedKey; log: FastifyBaseLogger },
): () => void {
  let present = inUse;
  const tell = (message: string) => {
    const { validTo, subjectAltName } = new X509Certificate(present.cert);
    log.info({ validTo, subjectAltName }, message);
  };
  const look = async () => {
    try {
      const read = await readCertifiedKey(files);
      if (read === undefined || (read.cert.equals(present.cert) && read.key.equals(present.key))) return;
      (server as HttpsServer).setSecureContext(read);
      present = read;
      tell('a new certificate is in use');
    } catch (error) {
      log.warn({ err: error }, 'the new certificate is not used');
    }
  };
  tell('the certificate in use');
  let settling: NodeJS.Timeout | undefined;
  const watcher = watchDirectory(dirname(files.cert), () => {
    clearTimeout(settling);
    settling = setTimeout(look, settlingMilliseconds);
  });
  const looking = setInterval(look, lookMilliseconds);
  return () => {
    clearTimeout(settling);
    clearInterval(looking);
    watcher?.close();
  };
}

/** Undefined where the system has no more watches to give. */
function watchDirectory(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(directory, onChange).on('error', () => {});
  } catch {
    return undefined;
  }
}
