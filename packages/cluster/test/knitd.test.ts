import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { ComponentProcess, databaseEnvironment, settingsDirectory } from './component-process.ts';

// Several processes that start one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const run = promisify(execFile);
let scratch: string;
let database: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'knit-certificates-'));
  database = await freshDatabase();
});
afterAll(() => rm(scratch, { recursive: true }));

const start = (settings: string) =>
  new ComponentProcess(
    ['knitd', '--config', `${settings}/config.json`, '--port', '0', '--metrics-port', '0'],
    databaseEnvironment(database),
  );

/** A new version of a Secret's files, as kubelet puts it there: the link `..data` is replaced at once. */
async function putSecret(directory: string, version: string, make: (path: string) => Promise<unknown>) {
  await mkdir(join(directory, version), { recursive: true });
  await make(join(directory, version));
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  for (const name of ['tls.crt', 'tls.key'])
    await symlink(`..data/${name}`, join(directory, name)).catch(() => {});
}

const certificate = (name: string) => async (path: string) => {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', `${path}/tls.key`, '-out', `${path}/tls.crt`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', ['req', '-x509', ...key, ...subject, '-days', '1', ...files]);
};

/** Who answers, by the name in the certificate. */
async function answering(port: number | undefined, agent = new Agent()): Promise<string> {
  return await new Promise((resolve, reject) => {
    const path = '/api/version';
    request({ host: '127.0.0.1', port, path, agent, rejectUnauthorized: false }, (answer) => {
      const { CN } = (answer.socket as TLSSocket).getPeerCertificate().subject;
      answer.resume().once('end', () => resolve(`${answer.statusCode} ${CN}`));
    })
      .once('error', reject)
      .end();
  });
}

test('without certificates, a cluster or a knitd-backend, knitd answers what the database alone can', async () => {
  await using settings = await settingsDirectory({ backend: 'http://127.0.0.1:1' });
  await using knitd = start(settings.path);
  const { port, metricsPort } = await knitd.told('ready');
  const version = await (await fetch(`http://127.0.0.1:${port}/api/version`)).json();
  expect(version).toMatchObject({ driver: 'kubernetes' });
  const pushed = await fetch(`http://127.0.0.1:${port}/api/data/`, { method: 'POST', body: 'an archive' });
  expect(pushed.status).toBe(503);
  expect((await pushed.json()).reason).toContain("knitd-backend can't be reached");
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  for (const metric of [
    'knit_database_up 1',
    'knit_runs{status="running"} 0',
    'knit_http_request_seconds_count',
  ])
    expect(metrics).toContain(metric);
  knitd.kill('SIGTERM');
  expect(await knitd.ended()).toBe(0);
});

test('renewed certificates are served without a restart; open connections go on, and what can not be used is not', async () => {
  await using settings = await settingsDirectory();
  const certs = join(settings.path, 'certs');
  await putSecret(certs, '..1', certificate('first'));
  await using knitd = start(settings.path);
  const { port } = await knitd.told('ready');
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await answering(port, kept)).toBe('200 first');

  await putSecret(certs, '..2', certificate('second'));
  await knitd.told('a new certificate is in use');
  expect(await answering(port)).toBe('200 second');
  expect(await answering(port, kept)).toBe('200 first');

  await putSecret(certs, '..3', async (path) => {
    await certificate('third')(path);
    // The certificate of one pair with the key of another.
    await run('cp', [join(certs, '..2/tls.key'), join(path, 'tls.key')]);
  });
  await knitd.told('the new certificate is not used');
  expect(await answering(port)).toBe('200 second');
  kept.destroy();
});

test('a certificate that does not belong to its key is refused at the start', async () => {
  await using settings = await settingsDirectory();
  const certs = join(settings.path, 'certs');
  await putSecret(certs, '..1', async (path) => {
    await certificate('one')(path);
    await run('openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', `${path}/tls.key`]);
  });
  await using knitd = start(settings.path);
  expect(await knitd.ended()).toBe(1);
  expect(knitd.lines.at(-1)).toMatchObject({
    level: 'fatal',
    err: { reason: expect.stringContaining("can't be used with the key"), advice: expect.any(String) },
  });
});
