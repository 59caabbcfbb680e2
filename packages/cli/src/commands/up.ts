import { resolve } from 'node:path';
import { Unavailable } from '@knitfab/core';
import { Command, Option } from 'commander';
import { commonOptionsOf } from '../connect.ts';
import { interrupted } from '../interrupt.ts';
import { port } from '../options/values.ts';
import { note } from '../output/print.ts';
import { namingNeighbour, profileAdvice } from '../profile/neighbours.ts';
import { announceServer, withdrawServer } from '../profile/running-servers.ts';
import { example } from './example.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly port: number;
  readonly host: string;
  readonly driver: 'auto' | 'local' | 'docker';
  readonly containerNetwork?: string;
}

const loopback = /^(127(\.\d+){3}|::1|localhost)$/;

export const up = new Command('up')
  .option(
    '--data-dir <DIR>',
    'where all state is kept (default: /var/lib/knit as root, else ~/.local/share/knit)',
  )
  .option('--port <N>', 'port to listen on, 0 for any free one', port, 30803)
  .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
  .addOption(
    new Option(
      '--driver <DRIVER>',
      'where Runs are executed: local (programs of this machine: images host:TAG), docker (containers of Docker or Podman, too), auto (docker if one of them answers)',
    )
      .choices(['auto', 'local', 'docker'])
      .default('auto'),
  )
  .option(
    '--container-network <NAME>',
    "network of containers, none for no network (default: the engine's own)",
  )
  .addHelpText(
    'after',
    example(
      'knit up',
      'knit up --data-dir ./knit-data --port 8080',
      'knit up --driver docker --container-network none',
    ),
  )
  .action(async ({ dataDir, port, host, driver, containerNetwork }: UpOptions, command: Command) => {
    if (process.platform === 'win32') throw notOnWindows();
    const { defaultDataDirectory, up: startServer } = await import('@knitfab/server');
    const dataDirectory = resolve(dataDir ?? defaultDataDirectory());
    const databaseUrl = process.env.DATABASE_URL;
    const server = await startServer({
      dataDirectory,
      port,
      host,
      driver,
      ...(containerNetwork !== undefined && { containerNetwork }),
      ...(databaseUrl && { databaseUrl }),
    }).catch(async (error) => {
      // Ctrl-C reaches the programs of the database as well: what they then fail with is no news.
      interrupted.throwIfAborted();
      throw await namingNeighbour(error, { port, host });
    });
    try {
      const apiRoot = `${server.address}/api`;
      await announce(apiRoot, dataDirectory);
      if (!loopback.test(host)) warnOfTheNetwork(server.address);
      tell({ apiRoot, dataDirectory, engine: server.engine }, commonOptionsOf(command).output);
      const advice = await profileAdvice(apiRoot, commonOptionsOf(command), process.cwd());
      if (advice) note(advice);
      await Promise.race([server.failed, interruption()]);
      note('Stopping … Runs that are under way go on, and the next `knit up` finds them again.');
    } finally {
      await withdrawServer();
      await server.stop();
      // Nothing that was left open may keep a server that has stopped.
      setTimeout(() => process.exit(), 2000).unref();
    }
  });

const notOnWindows = (): Unavailable =>
  new Unavailable({
    reason: '`knit up` does not run on Windows',
    advice:
      'Start it in WSL, with the executable for Linux, or on another machine; `knit init` makes its server the one that the other commands use here.',
  });

/** Without a home directory that can be written to, commands have to be told where the server is. */
async function announce(apiRoot: string, dataDir: string): Promise<void> {
  try {
    await announceServer({ apiRoot, dataDir });
  } catch (error) {
    note(`knit: other commands will not find this server by themselves: ${(error as Error).message}`);
  }
}

function warnOfTheNetwork(address: string): void {
  note(`
WARNING: ${address} can be reached from the network, and there is no access control.
WARNING: Whoever reaches it can run any program on this machine. Never expose it to a public network.
`);
}

/** People get told what to do next; programs get one line of JSON. */
function tell(
  { apiRoot, dataDirectory, engine }: { apiRoot: string; dataDirectory: string; engine: string | undefined },
  output: string | undefined,
): void {
  if (output === 'json' || (output === undefined && !process.stdout.isTTY)) {
    process.stdout.write(
      `${JSON.stringify({ apiRoot, dataDir: dataDirectory, engine, pid: process.pid })}\n`,
    );
    return;
  }
  process.stdout.write(`Knitfab is up at ${apiRoot}
  state       ${dataDirectory}
${engine === undefined ? '' : `  containers  ${engine}\n`}  next        knit data push --tag type:raw DIRECTORY   (in another terminal)
  stop        Ctrl-C
`);
}

const interruption = (): Promise<void> =>
  new Promise((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve());
  });
