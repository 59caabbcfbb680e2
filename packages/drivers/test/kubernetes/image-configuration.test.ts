import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotFound, Unavailable } from '@knitfab/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Secret } from '../../src/kubernetes/client/resource-type.ts';
import { ImageConfigurations } from '../../src/kubernetes/registry/image-configurations.ts';
import { digestOf, missingRegistry, Registry } from './registry.ts';

const missing = missingRegistry();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

/** Node's names of architectures in images. */
const own = process.arch === 'x64' ? 'amd64' : process.arch;

const reader = (secrets: Secret[] = [], cacert?: string) =>
  new ImageConfigurations({ pullSecrets: async () => secrets, ...(cacert !== undefined && { cacert }) });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-registry-'));
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => void vi.useRealTimers());

describe.skipIf(missing !== undefined)('what an image runs by itself, asked of a registry', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await Registry.start(directory);
  });
  afterAll(() => registry.stop());

  it('is its entrypoint and command, with the digest of its manifest', async () => {
    const digest = await registry.push('team/train', 'v1', {
      Entrypoint: ['python'],
      Cmd: ['train.py', '-v'],
    });
    expect(await reader().read(`${registry.address}/team/train:v1`)).toEqual({
      entrypoint: ['python'],
      command: ['train.py', '-v'],
      digest,
    });
  });

  it('may be nothing', async () => {
    await registry.push('bare', 'latest', { Entrypoint: null });
    expect(await reader().read(`${registry.address}/bare`)).toMatchObject({ entrypoint: [], command: [] });
  });

  it('is that of the own architecture where an image is for several', async () => {
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    const child = async (architecture: string, os = 'linux') => ({
      mediaType,
      size: 1,
      digest: await registry.push(
        'several',
        `for-${os}-${architecture}`,
        { Cmd: [os, architecture] },
        { os, architecture },
      ),
      platform: { os, architecture },
    });
    const manifests = [await child(own, 'windows'), await child('s390x'), await child(own)];
    await registry.pushManifest('several', 'v1', {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests,
    } as { mediaType: string });
    expect(await reader().read(`${registry.address}/several:v1`)).toEqual({
      entrypoint: [],
      command: ['linux', own],
      digest: manifests[2]?.digest,
    });
  });

  it('is not found where the registry has no such image, and the advice is to say it in the Plan', async () => {
    const failure = reader().read(`${registry.address}/team/train:v99`);
    await expect(failure).rejects.toThrow(NotFound);
    await expect(failure).rejects.toThrow(
      /team\/train:v99 runs by itself is not known.*404.*\n.*set entrypoint/,
    );
  });

  it('is remembered while the registry is away', async () => {
    const other = await Registry.start(directory);
    await other.push('kept', 'v1', { Cmd: ['run'] });
    const images = reader();
    const name = `${other.address}/kept:v1`;
    vi.useFakeTimers({ toFake: ['performance'] });
    await images.read(name);
    await other.stop();
    vi.advanceTimersByTime(3_600_000);
    expect(await images.read(name)).toMatchObject({ command: ['run'] });
    const unknown = reader().read(name);
    await expect(unknown).rejects.toThrow(Unavailable);
    await expect(unknown).rejects.toThrow(/ECONNREFUSED.*\n.*set entrypoint/);
  });

  it('is asked anew after a while, as a tag may be moved', async () => {
    const images = reader();
    const name = `${registry.address}/moved:v1`;
    vi.useFakeTimers({ toFake: ['performance'] });
    await registry.push('moved', 'v1', { Cmd: ['before'] });
    expect(await images.read(name)).toMatchObject({ command: ['before'] });
    await registry.push('moved', 'v1', { Cmd: ['after'] });
    vi.advanceTimersByTime(60_000);
    expect(await images.read(name)).toMatchObject({ command: ['after'] });
  });

  it('is told to those with the right pull secret only', async () => {
    const login = { name: 'robot', password: 'se:cret' };
    const closed = await Registry.start(directory, { login });
    try {
      await closed.push('closed/image', 'v1', { Cmd: ['run'] });
      const name = `${closed.address}/closed/image:v1`;
      await expect(reader().read(name)).rejects.toThrow(NotFound);
      await expect(reader([secretFor(closed.address, 'robot:wrong')]).read(name)).rejects.toThrow(NotFound);
      const right = secretFor(`https://${closed.address}/v2/`, 'robot:se:cret');
      await expect(
        reader([secretFor(`${closed.address}/other`, 'robot:se:cret')]).read(name),
      ).rejects.toThrow(NotFound);
      expect(await reader([right]).read(name)).toMatchObject({ command: ['run'] });
      const several = [
        secretFor('ghcr.io', 'a:b'),
        secretFor(`${closed.address}/closed`, 'robot:wrong'),
        right,
      ];
      expect(await reader(several).read(name)).toMatchObject({ command: ['run'] });
    } finally {
      await closed.stop();
    }
  });
});

describe.skipIf(missing !== undefined)('what an image runs by itself', () => {
  it('is told to each service account by its own pull secrets', async () => {
    const login = { name: 'robot', password: 'secret' };
    const closed = await Registry.start(directory, { login });
    const images = new ImageConfigurations({
      pullSecrets: async (account) =>
        account === 'trainer' ? [secretFor(closed.address, 'robot:secret')] : [],
    });
    try {
      await closed.push('image', 'v1', { Cmd: ['run'] });
      const name = `${closed.address}/image:v1`;
      const asked = [undefined, 'trainer', 'other', undefined].map((account) => images.read(name, account));
      const answers = await Promise.allSettled(asked);
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected']);
    } finally {
      await closed.stop();
    }
  });
});

describe('what an image runs by itself, asked of a registry that is not as it should be', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  /** Not a real one: those do not misbehave. */
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  const config = Buffer.from(JSON.stringify({ config: { Cmd: ['run'] } }));
  const manifest = Buffer.from(JSON.stringify({ config: { digest: digestOf(config) } }));

  it('comes with a token for anybody or for who has a secret, as public registries want it', async () => {
    const asked: string[] = [];
    const tokens = await serve((request, response) => {
      asked.push(`${request.headers.authorization ?? 'anybody'} ${request.url}`);
      response.end(JSON.stringify({ token: request.headers.authorization ? 'for robot' : 'for anybody' }));
    });
    const address = await serve((request, response) => {
      const { authorization } = request.headers;
      if (authorization === 'Bearer for anybody')
        response.end(request.url?.includes('blobs') ? config : manifest);
      else if (authorization === 'Bearer for robot') response.writeHead(403).end();
      else {
        const challenge = `Bearer realm="http://${tokens}/token",service="reg",scope="repository:a/b:pull"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
    });
    const images = reader([secretFor(address, 'robot:pw')]);
    expect(await images.read(`${address}/a/b:v1`)).toMatchObject({ command: ['run'] });
    const query = 'service=reg&scope=repository%3Aa%2Fb%3Apull';
    expect(asked).toEqual([
      `Basic ${Buffer.from('robot:pw').toString('base64')} /token?${query}`,
      `anybody /token?${query}`,
    ]);
  });

  it('is refused when it is not what its digest says', async () => {
    const address = await serve((request, response) =>
      response.end(request.url?.includes('blobs') ? Buffer.from('{"config":{"Cmd":["evil"]}}') : manifest),
    );
    await expect(reader().read(`${address}/a:v1`)).rejects.toThrow(/something else than sha256:/);
  });

  it('is refused when it has no end', async () => {
    const address = await serve((_request, response) => {
      const more = () => response.write(Buffer.alloc(65_536, ' '), (error) => error ?? setImmediate(more));
      more();
    });
    await expect(reader().read(`${address}/a:v1`)).rejects.toThrow(/more than 4194304 bytes/);
  });

  it('is followed to another host without the credentials, but not in circles', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(config);
    });
    const address = await serve((request, response) => {
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (request.url?.includes('blobs'))
        response.writeHead(307, { location: `http://${elsewhere}/storage` }).end();
      else if (request.url?.includes('circle')) response.writeHead(302, { location: request.url }).end();
      else response.end(manifest);
    });
    const images = reader([secretFor(address, 'robot:pw')]);
    expect(await images.read(`${address}/a:v1`)).toMatchObject({ command: ['run'] });
    expect(seen).toEqual([undefined]);
    await expect(images.read(`${address}/circle:v1`)).rejects.toThrow(/redirects without end/);
  });

  it('is refused when it is no image', async () => {
    for (const body of [
      'not JSON',
      '[]',
      '{}',
      '{"manifests":[]}',
      '{"config":{"digest":"sha256:../../x"}}',
    ]) {
      const address = await serve((_request, response) => response.end(body));
      await expect(reader().read(`${address}/a:v1`)).rejects.toThrow(/not an image that could be run/);
    }
  });
});

describe.skipIf(missing !== undefined)('a registry with a certificate of its own authority', () => {
  it('is believed with that authority only, from when its file is there', async () => {
    const [key, cert] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
    const authority = join(directory, 'ca.crt');
    const command = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`;
    execFileSync('openssl', command.split(' '), { stdio: 'ignore' });
    const registry = await Registry.start(directory, { tls: { key, cert } });
    try {
      // So written it is the same place, but not known for this machine, which is spoken to unencrypted.
      const name = `${registry.address.replace('127.0.0.1', '127.1')}/a:v1`;
      const running = reader([], authority);
      for (const images of [reader(), running])
        await expect(images.read(name)).rejects.toThrow(/self-signed certificate/);
      await copyFile(cert, authority);
      await expect(running.read(name)).rejects.toThrow(/404/);
    } finally {
      await registry.stop();
    }
  });
});

/** @param login `name:password` */
function secretFor(registry: string, login: string): Secret {
  const auths = { [registry]: { auth: Buffer.from(login).toString('base64') } };
  const content = Buffer.from(JSON.stringify({ auths })).toString('base64');
  return { metadata: { name: 'pull' }, data: { '.dockerconfigjson': content } };
}
