import { Command } from 'commander';
import { interrupted } from '../interrupt.ts';
import { note } from '../output/print.ts';
import { announceServer, withdrawServer } from '../profile/running-servers.ts';
import { example } from './example.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly port: number;
  readonly host: string;
}

export const up = new Command('up')
  .option('--data-dir <DIR>', 'where all state is kept')
  .option('--port <N>', 'port to listen on, 0 for any free one', Number, 30803)
  .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
  .addHelpText('after', example('knit up', 'knit up --data-dir ./knit-data --port 8080'))
  .action(async ({ dataDir, port, host }: UpOptions) => {
    const server = await import('@knitfab/server');
    const dataDirectory = dataDir ?? server.defaultDataDirectory();
    const databaseUrl = process.env.DATABASE_URL;
    const running = await server.up({ dataDirectory, port, host, ...(databaseUrl && { databaseUrl }) });
    await announceServer({ apiRoot: `${running.address}/api`, dataDir: dataDirectory });
    note(`Knitfab is up: ${running.address}, data in ${dataDirectory}. Ctrl-C stops it.`);
    try {
      await Promise.race([running.failed, ended()]);
    } finally {
      await withdrawServer();
      await running.stop();
    }
  });

const ended = (): Promise<void> =>
  new Promise((resolve) => {
    interrupted.addEventListener('abort', () => resolve());
  });
