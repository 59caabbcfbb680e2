import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Unavailable } from '@knitfab/core';
import { FrameDecoder } from './container-log/frame-decoder.ts';
import { labels } from './container-spec.ts';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { unlessMissing } from './engine.ts';

/** An image without any file: the container that has it sees the machine's own programs. Podman 4 imports as `latest` only. */
const empty = { repo: 'localhost/knit-empty', tag: 'latest' } as const;
const emptyImage = `${empty.repo}:${empty.tag}`;

/** What programs of a machine need to run. */
const systemDirectories = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/usr'];

/**
 * Gives files that containers have made as other users to the server's user, who could neither read nor delete them. Root needs
 * none of that. Only an engine can do it, in a container: in that of a rootless engine, root is who has started the engine.
 */
export class Ownership {
  readonly #engine: Engine;
  readonly #containers: Containers;
  readonly #server: string;
  readonly #uid = process.getuid?.() ?? 0;
  readonly #gid = process.getgid?.() ?? 0;

  constructor(engine: Engine, containers: Containers, server: string) {
    this.#engine = engine;
    this.#containers = containers;
    this.#server = server;
  }

  /** @throws {Unavailable} when it can't be done */
  async take(directories: readonly string[]): Promise<void> {
    if (this.#uid === 0) return;
    const foreign = directories.filter((directory) => hasForeign(directory, this.#uid));
    if (foreign.length === 0) return;
    await this.#makeImage();
    const owner = this.#engine.isRootless ? '0:0' : `${this.#uid}:${this.#gid}`;
    const targets = foreign.map((_, index) => `/trees/${index}`);
    const script = `chown -Rh ${owner} ${targets.join(' ')} && chmod -R u+rwX ${targets.join(' ')}`;
    await this.#run(
      ['/bin/sh', '-c', script],
      [
        ...systemMounts(),
        ...foreign.map((source, index) => ({
          Type: 'bind',
          Source: source,
          Target: targets[index],
          ReadOnly: false,
        })),
      ],
    );
  }

  async #makeImage(): Promise<void> {
    const { client } = this.#engine;
    const found = await unlessMissing(client.json({ path: `/images/${emptyImage}/json` }));
    if (found !== undefined) return;
    const answer = await client.stream({
      method: 'POST',
      path: '/images/create',
      query: { fromSrc: '-', ...empty },
      // An archive without entries: two blocks of zeros (POSIX, pax, "ustar Interchange Format").
      body: Readable.from([Buffer.alloc(1024)]),
      headers: { 'content-type': 'application/x-tar' },
    });
    await text(answer);
  }

  async #run(command: string[], mounts: object[]): Promise<void> {
    const name = `knit-ownership-${randomUUID()}`;
    const { client, isRootless, hasSelinux } = this.#engine;
    try {
      await this.#containers.create(name, {
        Image: emptyImage,
        Entrypoint: command,
        User: '0:0',
        Labels: { [labels.server]: this.#server },
        HostConfig: {
          Mounts: mounts,
          NetworkMode: 'none',
          SecurityOpt: ['no-new-privileges', ...(hasSelinux ? ['label=disable'] : [])],
          // Where Docker gives containers user ids of their own, root would not be root.
          ...(!isRootless && { UsernsMode: 'host' }),
        },
      });
      await this.#containers.start(name);
      // However long it takes: it may be many files.
      const answer = await client.stream({ method: 'POST', path: `/containers/${name}/wait` });
      const { StatusCode } = JSON.parse(await text(answer)) as { StatusCode: number };
      if (StatusCode !== 0) throw new Error(await this.#words(name));
    } catch (cause) {
      throw new Unavailable({
        reason: `files that the container made as another user can't be given to this one: ${(cause as Error).message}`,
        advice: 'Let the image write as root when knit up is an ordinary user, or run knit up as root.',
        cause,
      });
    } finally {
      await this.#containers.remove(name).catch(() => {});
    }
  }

  async #words(name: string): Promise<string> {
    const stream = await this.#engine.client.stream({
      path: `/containers/${name}/logs`,
      query: { stdout: true, stderr: true },
    });
    const decoder = new FrameDecoder();
    const pieces: Buffer[] = [];
    for await (const chunk of stream) pieces.push(...decoder.decode(chunk as Buffer));
    return Buffer.concat(pieces).toString().trim();
  }
}

/** Whether something in the tree is not the user's, or hides from them what it holds. */
function hasForeign(path: string, uid: number): boolean {
  const stats = lstatSync(path);
  if (stats.uid !== uid) return true;
  if (!stats.isDirectory()) return false;
  try {
    return readdirSync(path).some((name) => hasForeign(join(path, name), uid));
  } catch {
    return true;
  }
}

/** The machine's programs, read-only, wherever its links lead to. */
const systemMounts = (): object[] =>
  systemDirectories
    .filter((directory) => existsSync(directory))
    .map((directory) => ({
      Type: 'bind',
      Source: realpathSync(directory),
      Target: directory,
      ReadOnly: true,
    }));
