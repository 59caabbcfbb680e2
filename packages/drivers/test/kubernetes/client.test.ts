import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Conflict, Invalid, NotFound, Unavailable } from '@knitfab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Expired } from '../../src/kubernetes/client/api-error.ts';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { jobs, pods, secrets } from '../../src/kubernetes/client/resource-type.ts';
import { missingCluster, TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const missing = missingCluster();

/** An object that nothing in the cluster does anything about. */
const secret = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, labels } });

describe.skipIf(missing)(`the client of the Kubernetes API${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.open();
  });
  afterAll(() => cluster?.close());

  it('makes, reads, changes, lists and deletes objects', async () => {
    const { client, namespace } = cluster;
    await client.create(secrets, namespace, secret('one', { group: 'a' }));
    await client.create(secrets, namespace, secret('two', { group: 'b' }));
    await client.patch(secrets, namespace, 'one', { metadata: { annotations: { note: 'x' } } });
    await client.patch(secrets, namespace, 'one', [
      { op: 'add', path: '/metadata/annotations/more', value: 'y' },
    ]);
    const one = await client.get(secrets, namespace, 'one');
    expect(one.metadata?.annotations).toMatchObject({ note: 'x', more: 'y' });
    const { items } = await client.list(secrets, namespace, { labelSelector: 'group=b' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['two']);
    expect(await client.delete(secrets, namespace, 'one')).toBe(true);
    expect(await client.delete(secrets, namespace, 'one')).toBe(false);
    expect(await client.find(secrets, namespace, 'one')).toBeUndefined();
  });

  it('tells what is missing, what exists already and what is no object apart', async () => {
    const { client, namespace } = cluster;
    await expect(client.get(pods, namespace, 'nobody')).rejects.toThrow(NotFound);
    await client.create(secrets, namespace, secret('twice'));
    await expect(client.create(secrets, namespace, secret('twice'))).rejects.toThrow(Conflict);
    await expect(client.create(secrets, namespace, secret('Not A Name'))).rejects.toThrow(Invalid);
  });

  it('goes through all pages of a long list', async () => {
    const { client, namespace } = cluster;
    const names = Array.from({ length: 510 }, (_, at) => `many-${String(at).padStart(3, '0')}`);
    const labels = { group: 'many' };
    for (let at = 0; at < names.length; at += 30) {
      const some = names.slice(at, at + 30);
      await Promise.all(some.map((name) => client.create(secrets, namespace, secret(name, labels))));
    }
    const { items } = await client.list(secrets, namespace, { labelSelector: 'group=many' });
    expect(items.map(({ metadata }) => metadata?.name).toSorted()).toEqual(names);
  });

  it('a permission that is missing is named, with whom to give it to', async () => {
    const { namespace } = cluster;
    const stranger = await clientOfServiceAccount(namespace);
    const refusal = stranger.create(jobs, namespace, { metadata: { name: 'mine' } });
    await expect(refusal).rejects.toThrow(Unavailable);
    await expect(refusal).rejects.toThrow(
      `Give system:serviceaccount:${namespace}:default a Role that allows "create" on "jobs" of the API group "batch".`,
    );
    stranger.close();
  });

  it('a watch tells changes since a list, and ends with its signal', async () => {
    const { client, namespace } = cluster;
    const labelSelector = 'group=watched';
    const { resourceVersion } = await client.list(secrets, namespace, { labelSelector });
    await client.create(secrets, namespace, secret('watched', { group: 'watched' }));
    await client.create(secrets, namespace, secret('unwatched'));
    await client.patch(secrets, namespace, 'watched', { metadata: { annotations: { note: 'x' } } });
    const end = new AbortController();
    const seen: string[] = [];
    const options = { labelSelector, resourceVersion, signal: end.signal };
    for await (const { type, object } of client.watch(secrets, namespace, options)) {
      seen.push(`${type} ${object.metadata?.name}`);
      if (type === 'MODIFIED' && object.metadata?.annotations?.note === 'x') end.abort();
    }
    expect(seen[0]).toBe('ADDED watched');
    expect(seen.every((each) => each.endsWith(' watched'))).toBe(true);
  });

  it('a server that nobody runs is unavailable, with its address', async () => {
    const client = new KubernetesClient({ server: new URL('https://127.0.0.1:1'), tls: {} });
    await expect(client.get(pods, 'x', 'y')).rejects.toThrow("https://127.0.0.1:1 can't be reached");
  });
});

describe('an API server that has forgotten what a watch is to go on from', () => {
  const gone = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: 'too old' };

  // Not a real one: those forget when they like.
  it.each([
    ['by its status', 410, gone],
    ['by an event', 200, { type: 'ERROR', object: gone }],
  ])('says so %s', async (_, status, body) => {
    const server = createPlainServer((_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new KubernetesClient({ server: new URL(`http://127.0.0.1:${port}`), tls: {} });
    try {
      const old = client.watch(secrets, 'x', { resourceVersion: '1' });
      await expect(old.next()).rejects.toThrow(Expired);
    } finally {
      client.close();
      server.close().closeAllConnections();
    }
  });
});

describe('an API server that gets another authority', () => {
  const directory = mkdtempSync(join(tmpdir(), 'knit-authorities-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const certified = (name: string) => {
    const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
    const command = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name} -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`;
    execFileSync('openssl', command.split(' '), { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  };

  it('is believed as soon as that is in the file of authorities, by a client that runs', async () => {
    const [before, after] = [certified('before'), certified('after')];
    const file = join(directory, 'ca.crt');
    writeFileSync(file, before.cert);
    // Not a real one: those are not given other certificates for a test.
    const server = createServer(before, (_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new KubernetesClient({
      server: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
      tls: {},
      authorities: () => readFileSync(file),
    });
    try {
      expect(await client.get(pods, 'x', 'y')).toEqual({});
      server.setSecureContext(after);
      server.closeAllConnections();
      await eventually(() => expect(client.get(pods, 'x', 'y')).rejects.toThrow('self-signed certificate'));
      writeFileSync(file, after.cert);
      expect(await client.get(pods, 'x', 'y')).toEqual({});
    } finally {
      client.close();
      server.close().closeAllConnections();
    }
  });
});

/** A client with the token of a service account that may do nothing. */
async function clientOfServiceAccount(namespace: string): Promise<KubernetesClient> {
  const token = execFileSync('kubectl', ['create', 'token', 'default', '-n', namespace], {
    encoding: 'utf8',
  });
  const { cert: _, key: __, ...tls } = (await kubeconfigAccess(findKubeconfig() ?? '')).tls;
  const { server } = await kubeconfigAccess(findKubeconfig() ?? '');
  return new KubernetesClient({ server, tls, token: () => token.trim() });
}

describe('a kubeconfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'knit-kubeconfig-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const file = (user: object, changes: object = {}) => {
    const path = join(directory, 'config');
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'mine' } }],
      clusters: [{ name: 'c', cluster: { server: 'https://cluster.example:6443' } }],
      users: [{ name: 'u', user }],
      ...changes,
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  };

  it('gives tokens, read anew when they are in a file, and files relative to its own place', async () => {
    writeFileSync(join(directory, 'token'), 'first\n');
    writeFileSync(join(directory, 'cert.pem'), 'CERT');
    const access = await kubeconfigAccess(file({ tokenFile: 'token', 'client-certificate': 'cert.pem' }));
    expect(access.namespace).toBe('mine');
    expect(access.tls.cert?.toString()).toBe('CERT');
    expect(access.token?.()).toBe('first');
    writeFileSync(join(directory, 'token'), 'second\n');
    expect(access.token?.()).toBe('second');
  });

  it('that needs another program is refused with what to do', async () => {
    await expect(kubeconfigAccess(file({ exec: { command: 'aws' } }))).rejects.toThrow(
      'kubectl create token',
    );
  });

  it('without a cluster for its context is refused', async () => {
    await expect(kubeconfigAccess(file({}, { 'current-context': 'there' }))).rejects.toThrow(
      'no cluster for its current context "there"',
    );
  });
});
