import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import type { KnitServer } from '../knit-server.ts';

/** Something that goes wrong, and how the system is after it: up, or coming up by itself. */
export interface Fault {
  readonly name: string;
  inject(server: KnitServer): Promise<void>;
}

const random = (least: number, most: number): number => least + Math.random() * (most - least);

async function postmaster({ dataDirectory }: KnitServer): Promise<number> {
  const file = await readFile(join(dataDirectory, 'postgresql', 'data', 'postmaster.pid'), 'utf8').catch(
    () => '',
  );
  return Number(file.split('\n')[0]);
}

const endDatabase = (name: string, signal: NodeJS.Signals): Fault => ({
  name: `PostgreSQL ${name} (${signal})`,
  async inject(server) {
    const pid = await postmaster(server);
    if (pid > 0) process.kill(pid, signal);
    await setTimeout(random(500, 2000));
  },
});

const fakeTimeLibrary = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`;

/** A clock that can be set, for the server and its database alone; nothing where libfaketime (Debian's `faketime`) is missing. */
export function settableClock(file: string): { environment: NodeJS.ProcessEnv; faults: Fault[] } {
  if (!existsSync(fakeTimeLibrary)) return { environment: {}, faults: [] };
  const environment = {
    LD_PRELOAD: fakeTimeLibrary,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return {
    environment,
    faults: [
      {
        name: 'clock set back and forth by hours',
        async inject() {
          await writeFile(file, `${Math.round(random(-12, 12))}h\n`.replace(/^(?=\d)/, '+'));
          await setTimeout(random(100, 2000));
        },
      },
    ],
  };
}

/** Of the server itself, and of its clients. */
export const serverFaults: readonly Fault[] = [
  {
    name: 'server killed, and up again (SIGKILL)',
    async inject(server) {
      await server.end('SIGKILL');
      await server.up();
    },
  },
  {
    name: 'server killed while it comes up',
    async inject(server) {
      await server.end('SIGKILL');
      server.spawn();
      await setTimeout(random(50, 900));
      await server.end('SIGKILL');
      await server.up();
    },
  },
  {
    name: 'server stopped, and up again (SIGINT)',
    async inject(server) {
      await server.end('SIGINT');
      await server.up();
    },
  },
  {
    name: 'all loops stand still for seconds, and go on (SIGSTOP)',
    async inject(server) {
      process.kill(server.pid, 'SIGSTOP');
      await setTimeout(random(1000, 8000));
      process.kill(server.pid, 'SIGCONT');
    },
  },
  {
    name: 'upload broken off in the middle',
    async inject({ client }) {
      const { hostname, port } = new URL(client.apiRoot);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write(
        'POST /api/data/ HTTP/1.1\r\nhost: chaos\r\ncontent-type: application/tar\r\ntransfer-encoding: chunked\r\n\r\n200\r\n',
      );
      socket.write(Buffer.alloc(300, 'x'));
      await setTimeout(random(10, 300));
      socket.destroy();
    },
  },
];

/** Of a database that the server runs itself. */
export const embeddedDatabaseFaults: readonly Fault[] = [
  endDatabase('killed', 'SIGKILL'),
  endDatabase('stopped fast', 'SIGINT'),
  endDatabase('stopped immediately', 'SIGQUIT'),
  {
    name: 'all connections to the database cut',
    async inject(server) {
      const database = new pg.Client(await server.databaseUrl());
      database.on('error', () => {});
      await database.connect();
      await database.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()',
      );
      await database.end();
    },
  },
];
