import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '@knitfab/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stopServerOf, temporaryHome } from '../../store/test/embedded/temporary-home.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** A database of the administrator's own, which lets nobody in without TLS (values `tls` of the chart knit-db-postgres). */
describe('a database that demands TLS', () => {
  let directory: string;
  let port: number;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'knit-tls-'));
    const home = await temporaryHome(() => {}, 'db');
    port = await freePort();
    await makeCertificates(directory);
    // The first start makes the directory that certificate and rules are put into.
    await (await startEmbeddedPostgres({ directory: home, settings: { fsync: 'off' } })).stop();
    const data = join(home, 'data');
    const { uid, gid } = await stat(data);
    for (const name of ['server.crt', 'server.key']) {
      await copyFile(join(directory, name), join(data, name));
      await chmod(join(data, name), 0o600);
      await chown(join(data, name), uid, gid);
    }
    await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 trust\n');
    const settings = { fsync: 'off', listen_addresses: '127.0.0.1', port: String(port), ssl: 'on' };
    await startEmbeddedPostgres({ directory: home, settings });
    return async () => {
      await stopServerOf(home);
      await rm(home, { recursive: true, force: true });
    };
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** What the component `migrate` says, and how it ends. */
  async function migrate(environment: NodeJS.ProcessEnv): Promise<string> {
    const { PATH } = process.env;
    const database = {
      PGHOST: 'localhost',
      PGPORT: String(port),
      PGDATABASE: 'postgres',
      PGUSER: 'knit',
      PGPASSWORD: 'x',
    };
    const { stdout, stderr } = await run(process.execPath, [main, 'migrate'], {
      env: { PATH, ...database, ...environment },
      timeout: 8000,
    }).catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  }

  const done = 'the schema of the database is that of this program';
  const authority = (name: string) => ({ NODE_EXTRA_CA_CERTS: join(directory, name) });

  test('is used when its authority is trusted', async () => {
    expect(await migrate({ PGSSLMODE: 'verify-full', ...authority('ca.crt') })).toContain(done);
  });

  test('is used without a look at its certificate when that is wanted', async () => {
    expect(await migrate({ PGSSLMODE: 'no-verify' })).toContain(done);
  });

  test.concurrent.for([
    ['its authority is not known', { PGSSLMODE: 'verify-full' }, /certificate/],
    ['another authority is trusted', { PGSSLMODE: 'verify-full', other: true }, /certificate/],
    ['TLS is not spoken', { PGSSLMODE: 'disable' }, /no encryption/],
  ] as const)('is not used when %s', async ([, { PGSSLMODE, ...rest }, reason]) => {
    const said = await migrate({ PGSSLMODE, ...('other' in rest && authority('other.crt')) });
    expect(said).toMatch(reason);
    expect(said).not.toContain(done);
  });
});

async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  for (const name of ['ca', 'other'])
    await openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-subj',
      `/CN=${name}`,
    );
  await openssl(
    ...['req', '-x509', ...key, '-keyout', 'server.key', '-out', 'server.crt', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-CA', 'ca.crt', '-CAkey', 'ca.key'],
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
