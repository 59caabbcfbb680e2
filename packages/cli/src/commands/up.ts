import { resolve } from 'node:path';
import { Command } from 'commander';
import { commonOptionsOf } from '../connect.ts';
import { interrupted } from '../interrupt.ts';
import { port } from '../options/values.ts';
import { note } from '../output/print.ts';
import { announceServer, withdrawServer } from '../profile/running-servers.ts';
import { example } from './example.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly port: number;
  readonly host: string;
}

const loopback = /^(127(\.\d+){3}|::1|localhost)$/;

export const up = new Command('up')
  .option(
    '--data-dir <DIR>',
    'where all state is kept (default: /var/lib/knit as root, else ~/.local/share/knit)',
  )
  .option('--port <N>', 'port to listen on, 0 for any free one', port, 30803)
  .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
  .addHelpText('after', example('knit up', 'knit up --data-dir ./knit-data --port 8080'))
  .action(async ({ dataDir, port, host }: UpOptions, command: Command) => {
    const { defaultDataDirectory, up: startServer } = await import('@knitfab/server');
    const dataDirectory = resolve(dataDir ?? defaultDataDirectory());
    const databaseUrl = process.env.DATABASE_URL;
    const server = await startServer({ dataDirectory, port, host, ...(databaseUrl && { databaseUrl }) });
    try {
      const apiRoot = `${server.address}/api`;
      await announce(apiRoot, dataDirectory);
      if (!loopback.test(host)) warnOfTheNetwork(server.address);
      tell({ apiRoot, dataDirectory }, commonOptionsOf(command).output);
      await Promise.race([server.failed, interruption()]);
      note('Stopping … Runs that are under way go on, and the next `knit up` finds them again.');
    } finally {
      await withdrawServer();
      await server.stop();
      // Nothing that was left open may keep a server that has stopped.
      setTimeout(() => process.exit(), 2000).unref();
    }
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
  { apiRoot, dataDirectory }: { apiRoot: string; dataDirectory: string },
  output: string | undefined,
): void {
  if (output === 'json' || (output === undefined && !process.stdout.isTTY)) {
    process.stdout.write(`${JSON.stringify({ apiRoot, dataDir: dataDirectory, pid: process.pid })}\n`);
    return;
  }
  process.stdout.write(`Knitfab is up at ${apiRoot}
  state       ${dataDirectory}
  next        knit data push --tag type:raw DIRECTORY   (in another terminal)
  stop        Ctrl-C
`);
}

const interruption = (): Promise<void> =>
  new Promise((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve());
  });
