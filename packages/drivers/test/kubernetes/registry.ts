import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why there can be no registry here, if so. */
export function missingRegistry(): string | undefined {
  try {
    execFileSync('registry', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'the program `registry` (CNCF distribution) is not in PATH';
  }
}

/** A real registry of its own, on this machine. */
export class Registry {
  /** `host:port` */
  readonly address: string;
  readonly #origin: string;
  readonly #process: ChildProcess;
  readonly #authorization: string | undefined;

  private constructor(process: ChildProcess, origin: string, authorization: string | undefined) {
    this.#process = process;
    this.#origin = origin;
    this.#authorization = authorization;
    this.address = new URL(origin).host;
  }

  /** @param login asks for HTTP basic authentication; @param tls files of a certificate, for 127.0.0.1 */
  static async start(
    directory: string,
    { login, tls }: { login?: { name: string; password: string }; tls?: { key: string; cert: string } } = {},
  ): Promise<Registry> {
    const port = await freePort();
    const configuration: Record<string, unknown> = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(directory, `storage-${port}`) } },
      http: {
        addr: `127.0.0.1:${port}`,
        secret: 'for tests',
        ...(tls && { tls: { key: tls.key, certificate: tls.cert } }),
      },
    };
    if (login !== undefined) {
      const path = join(directory, `htpasswd-${port}`);
      // bcrypt by crypt(3), as htpasswd does it
      const script = 'print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))';
      const hash = execFileSync('perl', ['-e', script, login.password]).toString();
      await writeFile(path, `${login.name}:${hash}\n`);
      configuration.auth = { htpasswd: { realm: 'test', path } };
    }
    // JSON is YAML.
    const file = join(directory, `registry-${port}.yaml`);
    await writeFile(file, JSON.stringify(configuration));
    const process = spawn('registry', ['serve', file], { stdio: 'ignore' });
    const authorization =
      login && `Basic ${Buffer.from(`${login.name}:${login.password}`).toString('base64')}`;
    const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    const registry = new Registry(process, origin, authorization);
    await registry.#listening(port);
    return registry;
  }

  /** Puts an image there, as any program does that pushes. @returns its digest */
  async push(name: string, tag: string, config: object, platform?: object): Promise<string> {
    const layer = await this.#blob(name, Buffer.from('a layer that nobody unpacks'));
    const content = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', ...platform, config, rootfs: { type: 'layers' } }),
    );
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        ...(await this.#blob(name, content)),
      },
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...layer }],
    };
    return await this.pushManifest(name, tag, manifest);
  }

  /** @returns its digest */
  async pushManifest(name: string, tag: string, manifest: { mediaType: string }): Promise<string> {
    const body = Buffer.from(JSON.stringify(manifest));
    await this.#send('PUT', `/v2/${name}/manifests/${tag}`, body, manifest.mediaType);
    return digestOf(body);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'close');
  }

  async #blob(name: string, content: Buffer): Promise<{ digest: string; size: number }> {
    const digest = digestOf(content);
    const begun = await this.#send('POST', `/v2/${name}/blobs/uploads/`);
    const place = new URL(begun.headers.get('location') ?? '', this.#origin);
    place.searchParams.set('digest', digest);
    await this.#send('PUT', `${place.pathname}${place.search}`, content, 'application/octet-stream');
    return { digest, size: content.length };
  }

  async #send(method: string, path: string, body?: Buffer, type?: string): Promise<Response> {
    const response = await fetch(new URL(path, this.#origin), {
      method,
      ...(body && { body: new Uint8Array(body) }),
      headers: {
        ...(type && { 'content-type': type }),
        ...(this.#authorization && { authorization: this.#authorization }),
      },
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  async #listening(port: number): Promise<void> {
    const { connect } = await import('node:net');
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        return;
      } catch {
        if (this.#process.exitCode !== null) throw new Error('the registry has ended');
        await sleep(20);
      } finally {
        socket.destroy();
      }
    }
  }
}

export const digestOf = (content: Buffer): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
