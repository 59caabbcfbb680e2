import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archive, entry } from '../../archive/test/tar-blocks.ts';
import { CertificateAuthority } from './certificates.ts';
import { Home, type Outcome } from './knit.ts';

// What lies between the command and a server: TLS, proxies, and connections that break. The servers here are HTTP servers
// that answer just enough, since no Knitfab breaks a connection when it is told to.

let home: Home;
const servers: Server[] = [];

beforeAll(async () => {
  home = await Home.create();
});

afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await home.remove();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const noRuns: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
};

/** Runs a command with a profile store of its own. */
async function knit(
  profile: { apiRoot: string; ca?: string },
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const store = join(home.path, `store-${Math.random()}`);
  const { apiRoot, ca } = profile;
  const cert = ca === undefined ? {} : { cert: { ca: Buffer.from(ca).toString('base64') } };
  await writeFile(store, JSON.stringify({ x: { apiRoot, ...cert } }), { mode: 0o600 });
  return await home.knit([...args, '--profile', 'x', '--profile-store', store], {
    env: { ...noProxies, ...env },
  });
}

const noProxies = {
  HTTP_PROXY: '',
  http_proxy: '',
  HTTPS_PROXY: '',
  https_proxy: '',
  NO_PROXY: '',
  no_proxy: '',
};

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)(
  `a server with TLS${hasOpenssl ? '' : ' (skipped: openssl is not installed)'}`,
  () => {
    let authority: CertificateAuthority;
    let other: CertificateAuthority;
    const serve = async (name: string, subjectAltName: string, options?: { days: number }) => {
      const port = await listen(https.createServer(authority.issue(name, subjectAltName, options), noRuns));
      return `https://127.0.0.1:${port}/api`;
    };

    beforeAll(() => {
      authority = new CertificateAuthority(home.path, 'authority');
      other = new CertificateAuthority(home.path, 'other');
    });

    it('is trusted by the certificate authority of the profile', async () => {
      const apiRoot = await serve('good', 'IP:127.0.0.1');
      expect(await knit({ apiRoot, ca: authority.certificate }, ['run', 'find'])).toMatchObject({
        code: 0,
        stdout: '[]\n',
      });
    });

    it.each([
      [
        'without the authority',
        () => undefined,
        'IP:127.0.0.1',
        1,
        /certificate of https:.* is not trusted.*\n.*knit init/,
      ],
      ['with another authority', () => other.certificate, 'IP:127.0.0.1', 1, /is not trusted.*\n.*cert\.ca/],
      ['after it has expired', () => authority.certificate, 'IP:127.0.0.1', -1, /expired.*\n.*renew/],
      [
        'for another host',
        () => authority.certificate,
        'DNS:knit.example.com',
        1,
        /not trusted: Hostname.*\n.*host name/,
      ],
    ])('is not trusted %s, and nothing is sent', async (_, ca, names, days, message) => {
      const apiRoot = await serve(`bad-${names.slice(0, 2)}${days}`, names, { days });
      const certificate = ca();
      const { code, stdout, stderr } = await knit({ apiRoot, ...(certificate && { ca: certificate }) }, [
        'run',
        'find',
      ]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(message);
    });

    it('is told from one without', async () => {
      const plain = await listen(http.createServer(noRuns));
      const toPlain = await knit({ apiRoot: `https://127.0.0.1:${plain}/api` }, ['run', 'find']);
      expect(toPlain).toMatchObject({ code: 1, stderr: expect.stringMatching(/TLS.*\n.*http:\/\//) });
      const secure = (await serve('plain', 'IP:127.0.0.1')).replace('https:', 'http:');
      expect(await knit({ apiRoot: secure }, ['run', 'find'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^knit: .*127\.0\.0\.1/),
      });
    });
  },
);

describe('a proxy', () => {
  const asked: string[] = [];
  let proxy: string;
  let behind: number;

  beforeAll(async () => {
    behind = await listen(http.createServer(noRuns));
    // Whatever host is asked for, it is the server above.
    const server = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      noRuns(request, response);
    });
    server.on('connect', (request, socket, head) => {
      asked.push(`CONNECT ${request.url}`);
      const onward = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
      for (const each of [onward, socket]) each.on('error', () => socket.destroy());
    });
    proxy = `http://127.0.0.1:${await listen(server)}`;
  });

  it('is used as HTTP_PROXY says, but not for what NO_PROXY names', async () => {
    const apiRoot = 'http://knit.example.invalid/api';
    for (const name of ['HTTP_PROXY', 'http_proxy']) {
      asked.length = 0;
      expect(await knit({ apiRoot }, ['run', 'find'], { [name]: proxy })).toMatchObject({
        code: 0,
        stdout: '[]\n',
      });
      expect(asked).toEqual(['GET http://knit.example.invalid/api/runs']);
    }
    const direct = await knit({ apiRoot }, ['run', 'find'], {
      HTTP_PROXY: proxy,
      NO_PROXY: '.example.invalid',
    });
    expect(direct).toMatchObject({ code: 1, stderr: expect.stringContaining("can't reach the server") });
    expect(asked).toHaveLength(1);
  });

  it('is not used for this machine', async () => {
    asked.length = 0;
    const apiRoot = `http://127.0.0.1:${behind}/api`;
    expect(await knit({ apiRoot }, ['run', 'find'], { HTTP_PROXY: proxy })).toMatchObject({ code: 0 });
    expect(asked).toEqual([]);
  });

  it.skipIf(!hasOpenssl)('lets TLS through, with the certificate authority of the profile', async () => {
    asked.length = 0;
    const authority = new CertificateAuthority(home.path, 'proxied');
    const port = await listen(https.createServer(authority.issue('far', 'DNS:knit.example.invalid'), noRuns));
    const apiRoot = `https://knit.example.invalid:${port}/api`;
    const profile = { apiRoot, ca: authority.certificate };
    expect(await knit(profile, ['run', 'find'], { HTTPS_PROXY: proxy })).toMatchObject({
      code: 0,
      stdout: '[]\n',
    });
    expect(asked).toEqual([`CONNECT knit.example.invalid:${port}`]);
  });

  it('that does not answer is named', async () => {
    const env = { HTTP_PROXY: 'http://127.0.0.1:1' };
    const { code, stderr } = await knit({ apiRoot: 'http://knit.example.invalid/api' }, ['run', 'find'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing listens there[\s\S]*The proxy 127\.0\.0\.1:1 is asked/);
  });
});

describe('a connection that is cut', () => {
  const knitId = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
  const packed = gzipSync(archive(entry({ name: 'a', content: Buffer.alloc(100_000, 'x') })), { level: 0 });

  it.each([
    ['a file', [], 'half'],
    ['a tree', ['-x'], 'half'],
    ['a file, at the very start', [], 'none'],
    ['a tree, without its last bytes', ['-x'], 'most'],
  ] as const)('in a download of %s leaves nothing behind', async (_, flags, part) => {
    const length = { half: packed.length / 2, none: 0, most: packed.length - 4 }[part];
    const port = await listen(
      http.createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/tar+gzip' });
        response.flushHeaders();
        response.write(packed.subarray(0, length), () => response.destroy());
      }),
    );
    const destination = join(home.work, `cut-${flags.length}-${part}`);
    await mkdir(destination);
    const { code, stdout, stderr } = await knit({ apiRoot: `http://127.0.0.1:${port}/api` }, [
      'data',
      'pull',
      ...flags,
      knitId,
      destination,
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/can't pull .*: the connection to .* was cut off/);
    expect(await readdir(destination)).toEqual([]);
  });

  it('only at its end gives the tree, whatever the server calls an archive', async () => {
    const destination = join(home.work, 'whole');
    for (const type of [
      'application/tar+gzip; charset=binary',
      'application/octet-stream',
      'application/gzip',
      undefined,
    ]) {
      const port = await listen(
        http.createServer((_request, response) => {
          response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(packed);
        }),
      );
      const place = join(destination, String(type).replaceAll('/', '-'));
      const outcome = await knit({ apiRoot: `http://127.0.0.1:${port}/api` }, [
        'data',
        'pull',
        '-x',
        knitId,
        place,
      ]);
      expect(outcome).toMatchObject({ code: 0 });
      expect(await readdir(join(place, knitId))).toEqual(['a']);
    }
  });

  it('in a download that ends as if it were whole is noticed, too', async () => {
    const port = await listen(
      http.createServer((_request, response) => {
        response
          .writeHead(200, { 'content-type': 'application/tar+gzip' })
          .end(packed.subarray(0, packed.length / 2));
      }),
    );
    const destination = join(home.work, 'short');
    await mkdir(destination);
    for (const flags of [[], ['-x']]) {
      const { code, stderr } = await knit({ apiRoot: `http://127.0.0.1:${port}/api` }, [
        'data',
        'pull',
        ...flags,
        knitId,
        destination,
      ]);
      expect({ flags, code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/cut off|damaged/),
      });
      expect(await readdir(destination)).toEqual([]);
    }
  });

  it('in an upload is said, and is no success', async () => {
    const source = join(home.work, 'source');
    await mkdir(source);
    await writeFile(join(source, 'a'), Buffer.alloc(5_000_000, 'x'));
    const port = await listen(
      http.createServer((request, response) => {
        if (request.method === 'GET') noRuns(request, response);
        else request.once('data', () => request.socket.destroy());
      }),
    );
    const { code, stdout, stderr } = await knit({ apiRoot: `http://127.0.0.1:${port}/api` }, [
      'data',
      'push',
      source,
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/can't push .*: the connection to .* was cut off/);
  });

  it('in the middle of a list is no short list', async () => {
    const port = await listen(
      http.createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('[{"runId": "1"', () => response.destroy());
      }),
    );
    const { code, stderr } = await knit({ apiRoot: `http://127.0.0.1:${port}/api` }, ['run', 'find']);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('cut off') });
  });

  it('is none only because the server is slow; Ctrl-C ends the waiting', async () => {
    const slow = await listen(
      http.createServer((_request, response) => {
        const text = '[         ]';
        let sent = 0;
        const timer = setInterval(() => {
          response.write(text[sent++]);
          if (sent < text.length) return;
          clearInterval(timer);
          response.end();
        }, 20);
      }),
    );
    expect(await knit({ apiRoot: `http://127.0.0.1:${slow}/api` }, ['run', 'find'])).toMatchObject({
      code: 0,
      stdout: '[]\n',
    });
    const arrived = Promise.withResolvers<void>();
    const silent = await listen(http.createServer(() => arrived.resolve()));
    await writeFile(
      join(home.path, 'silent'),
      JSON.stringify({ x: { apiRoot: `http://127.0.0.1:${silent}/api` } }),
    );
    const child = home.start(['run', 'find', '--profile', 'x', '--profile-store', join(home.path, 'silent')]);
    await arrived.promise;
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
  });
});
