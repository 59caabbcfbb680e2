// The programs of the cluster edition: `main COMPONENT [options]`. Each loads only what it uses.
import { parseArgs } from 'node:util';
import { Invalid, KnitError } from '@knitfab/core';
import { engineComponents } from '@knitfab/engine/engine-components';
import type { ComponentOptions } from './component.ts';

type Program = (options: ComponentOptions) => Promise<void>;

const loops = engineComponents.map((name): [string, Program] => [
  name,
  async (options) => (await import('./components/loops.ts')).runLoops(name, options),
]);

const programs: Record<string, Program> = {
  knitd: async (options) => (await import('./components/knitd.ts')).runKnitd(options),
  'knitd-backend': async (options) =>
    (await import('./components/knitd-backend.ts')).runKnitdBackend(options),
  ...Object.fromEntries(loops),
  vex: async (options) => (await import('./components/vex.ts')).runVex(options),
  migrate: async () => (await import('./components/migrate.ts')).migrate(),
  'data-agent': async () => (await import('./pod/data-agent.ts')).run(process.env),
  'log-recorder': async () => (await import('./pod/log-recorder.ts')).run(process.env),
};

const usage = `Usage: knitfab COMPONENT [options]

Components: ${Object.keys(programs).join(', ')}

  --config FILE       the configuration; secrets are looked for in the directories certs, ca and import beside it
                      (/etc/knitfab/config.json)
  --port N            where knitd and knitd-backend listen (8443 with certificates, else 8080); 0: any free one
  --metrics-port N    where /healthz, /readyz and /metrics are (9090); 0: any free one
  -h, --help

The database is named by PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD.

Example: knitfab projection --config ./config.json --metrics-port 0`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      config: { type: 'string', default: '/etc/knitfab/config.json' },
      port: { type: 'string' },
      'metrics-port': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const [name = ''] = positionals;
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (program === undefined || positionals.length !== 1) {
    console.error(name === '' ? usage : `There is no component ${positionals.join(' ')}.\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const port = portOf('port', values.port);
  const metricsPort = portOf('metrics-port', values['metrics-port']);
  await program({
    configurationFile: values.config,
    ...(port !== undefined && { port }),
    ...(metricsPort !== undefined && { metricsPort }),
  });
}

function portOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Invalid(`--${option} should be a number from 0 to 65535, not ${text}`);
  return Number(text);
}

try {
  await main();
} catch (error) {
  const isExpected =
    error instanceof KnitError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isExpected ? (error as Error).message : error);
  process.exitCode = 1;
}
