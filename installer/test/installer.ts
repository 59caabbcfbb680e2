import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the scripts. */
export const folder = fileURLToPath(new URL('..', import.meta.url));

/** What this machine lacks of the given programs, for the title of a skipped test. */
export function lacks(...programs: string[]): string | undefined {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory of its own for a test, in which programs are run; removed when disposed. */
export class Workplace implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'knit-installer-')));
  /** Added to the environment. No cluster is known in it unless it says so. */
  environment: Record<string, string> = {};

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  run(program: string, ...args: string[]): Outcome {
    const { KUBECONFIG: _, ...inherited } = process.env;
    const environment = { ...inherited, HOME: this.path, TMPDIR: this.path, ...this.environment };
    return spawnSync(program, args, { cwd: this.path, encoding: 'utf8', env: environment, timeout: 540_000 });
  }

  installer(...args: string[]): Outcome {
    return this.run(join(folder, 'installer.sh'), ...args);
  }

  /** Runs openssl. @throws {Error} when it fails */
  openssl(...args: string[]): string {
    const { status, stdout, stderr } = this.run('openssl', ...args);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Makes NAME.crt and NAME.key: an authority. */
  authority(name: string): void {
    this.openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${name}`],
      ...['-addext', 'keyUsage=critical,keyCertSign', '-keyout', `${name}.key`, '-out', `${name}.crt`],
    );
  }

  /** Makes NAME.crt and NAME.key: a server's certificate for example.com, signed by an authority that was made before. */
  server(name: string, authority: string, days = 30): void {
    this.openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=DNS:example.com', '-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    this.openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${authority}.crt`, '-CAkey', `${authority}.key`],
      ...['-CAcreateserial', '-days', `${days}`, '-copy_extensions', 'copy', '-out', `${name}.crt`],
    );
  }
}
