import { Conflict, KnitError, Unavailable } from '@knitfab/core';
import { chooseProfile, type ProfileOptions, profileName } from './choose.ts';
import { localName, runningServers } from './running-servers.ts';

/** How long a server may take to say that it is one, in milliseconds. */
const patience = 1000;

/**
 * What to throw when a server can't be started: where its port belongs to another one of Knitfab, that is the one to use.
 */
export async function namingNeighbour(
  error: unknown,
  { port, host }: { port: number; host: string },
): Promise<unknown> {
  const code =
    error instanceof Unavailable ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  if (code !== 'EADDRINUSE') return error;
  const apiRoot = `http://${host.includes(':') ? `[${host}]` : host}:${port}/api`;
  const known = (await runningServers()).find((server) => new URL(server.apiRoot).port === String(port));
  if (known === undefined && !(await isKnitfab(apiRoot))) return error;
  const who = known && `a knit up with process id ${known.process.pid} and its data in ${known.dataDir}`;
  return new Conflict({
    reason: `the port ${port} on ${host} is in use by another Knitfab server: ${who ?? 'one of another user'}`,
    advice: `Use that one, at ${known?.apiRoot ?? apiRoot}, or start this one beside it with --port N (0: any free one).`,
    cause: error,
  });
}

async function isKnitfab(apiRoot: string): Promise<boolean> {
  const { createClient } = await import('@knitfab/api/client');
  const client = createClient({ apiRoot, signal: AbortSignal.timeout(patience) });
  const version = await client.getVersion().catch(() => undefined);
  client.close();
  return version !== undefined;
}

/**
 * What commands in this directory have to be told to talk to the server that was just started; undefined when they find it
 * by themselves.
 */
export async function profileAdvice(
  apiRoot: string,
  options: ProfileOptions,
  directory: string,
): Promise<string | undefined> {
  const own = (await runningServers()).find((server) => server.apiRoot === apiRoot);
  const advice = own && `Talk to this one with --profile ${localName(own)}.`;
  try {
    const chosen = await chooseProfile(options, directory);
    if (chosen.apiRoot === apiRoot) return undefined;
    return `Commands here talk to ${chosen.apiRoot} (profile ${chosen.name}), not to this server. ${advice ?? ''}`;
  } catch (error) {
    if (!(error instanceof KnitError)) throw error;
    const name = await profileName(options, directory).catch(() => directory);
    const why = name === directory ? error.reason : `the profile "${name}" holds here, and ${error.reason}`;
    return `Commands here do not find this server by themselves: ${why}. ${advice ?? ''}`;
  }
}
