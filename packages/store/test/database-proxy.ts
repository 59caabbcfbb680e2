import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What may become of a piece of a conversation with the database: chances, from 0 to 1. */
export interface Trouble {
  /** The connection is cut: half of the times before the piece has been passed on, half of the times right after it. */
  readonly cut: number;
  /** From this piece on nothing is passed on any more, and the connection stays. */
  readonly silent: number;
}

const noTrouble: Trouble = { cut: 0, silent: 0 };

/** How often the proxy has made trouble, by where: a commit that was cut off may have been done or not. */
export interface TroubleCounts {
  statements: number;
  commits: number;
  silences: number;
}

interface Link {
  isSilent: boolean;
  isAbandoned: boolean;
  readonly client: Socket;
  readonly database: Socket;
}

/** A proxy in front of a database that can cut its connections, or go silent while it keeps them. */
export class DatabaseProxy {
  /** The database, by way of the proxy. */
  readonly url: string;
  readonly counts: TroubleCounts = { statements: 0, commits: 0, silences: 0 };
  /** What may become of each piece that passes. */
  trouble: Trouble = noTrouble;
  readonly #links: Set<Link>;
  readonly #close: () => Promise<void>;

  private constructor(url: string, links: Set<Link>, close: () => Promise<void>) {
    this.url = url;
    this.#links = links;
    this.#close = close;
  }

  /** @param to the database's URL; its socket may be a directory in `host`, as PostgreSQL's clients have it */
  static async start(to: string): Promise<DatabaseProxy> {
    const url = new URL(to);
    const directory = url.searchParams.get('host');
    const port = url.searchParams.get('port') ?? url.port;
    const links = new Set<Link>();
    const server = createServer((client) => {
      const database = directory
        ? connect(`${directory}/.s.PGSQL.${port}`)
        : connect(Number(port || 5432), url.hostname);
      const link: Link = { isSilent: false, isAbandoned: false, client, database };
      links.add(link);
      database.once('close', () => links.delete(link));
      proxy.#pass(link, client, database);
      proxy.#pass(link, database, client);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const through = new URL(
      `postgresql://127.0.0.1:${(server.address() as AddressInfo).port}${url.pathname}`,
    );
    through.username = url.username || (url.searchParams.get('user') ?? '');
    through.password = url.password;
    through.searchParams.set('sslmode', 'disable');
    const proxy = new DatabaseProxy(through.href, links, async () => {
      await new Promise((resolve) => server.close(resolve));
    });
    return proxy;
  }

  /** Cuts all connections that there are. */
  cut(): void {
    for (const { client, database } of this.#links) {
      client.destroy();
      database.destroy();
    }
  }

  /** Cuts the clients' ends of all connections, and does not tell the database. */
  abandon(): void {
    for (const link of this.#links) {
      link.isAbandoned = true;
      link.client.destroy();
    }
  }

  /** What is connected now gets nothing any more; who connects anew is served. */
  stall(): void {
    for (const link of this.#links) link.isSilent = true;
  }

  /** Makes trouble for so long. */
  async make(trouble: Trouble, milliseconds: number): Promise<void> {
    this.trouble = trouble;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.trouble = noTrouble;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.trouble = noTrouble;
    this.cut();
    await this.#close();
  }

  #pass(link: Link, from: Socket, to: Socket): void {
    from
      .on('error', () => {})
      .on('close', () => link.isAbandoned || to.destroy())
      .on('data', (bytes) => {
        if (link.isSilent) return;
        const { cut, silent } = this.trouble;
        const chance = Math.random();
        if (chance < silent) {
          this.counts.silences++;
          link.isSilent = true;
        } else if (chance < silent + cut) {
          this.counts[from === link.client && isCommit(bytes) ? 'commits' : 'statements']++;
          if (chance < silent + cut / 2) link.client.destroy();
          // Ended, not destroyed: the piece still arrives.
          else to.end(bytes, () => link.client.destroy());
        } else to.write(bytes);
      });
  }
}

/** A message `Q` (query) with the word; source: PostgreSQL, "Message Formats". */
const isCommit = (bytes: Buffer): boolean =>
  bytes[0] === 0x51 && bytes.toString('latin1', 5, 11).toLowerCase() === 'commit';
