import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate authority of the test's own, made with openssl. */
export class CertificateAuthority {
  readonly certificate: string;
  readonly #directory: string;

  constructor(directory: string, name: string) {
    this.#directory = join(directory, name);
    this.#openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      `${this.#directory}.key`,
      '-out',
      `${this.#directory}.crt`,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    );
    this.certificate = readFileSync(`${this.#directory}.crt`, 'utf8');
  }

  /** A certificate and its key for a server. */
  issue(
    name: string,
    subjectAltName: string,
    { days = 1 }: { days?: number } = {},
  ): { cert: string; key: string } {
    const base = `${this.#directory}-${name}`;
    writeFileSync(`${base}.ext`, `subjectAltName=${subjectAltName}\n`);
    this.#openssl('req', ...newKey, '-keyout', `${base}.key`, '-out', `${base}.csr`, '-subj', `/CN=${name}`);
    this.#openssl(
      'x509',
      '-req',
      '-in',
      `${base}.csr`,
      '-CA',
      `${this.#directory}.crt`,
      '-CAkey',
      `${this.#directory}.key`,
      '-CAcreateserial',
      '-days',
      String(days),
      '-extfile',
      `${base}.ext`,
      '-out',
      `${base}.crt`,
    );
    return { cert: readFileSync(`${base}.crt`, 'utf8'), key: readFileSync(`${base}.key`, 'utf8') };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
