import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Invalid } from '@knitfab/core';
import { defaultRegistry, registryOf } from './image-name.ts';

/** Who pulls, in the names of the Docker Engine API ("Authentication"). */
export type RegistryCredentials = { readonly serveraddress: string } & (
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string }
);

/** What of Docker's config.json and Podman's auth.json (containers-auth.json(5)) tells of credentials. */
interface CredentialFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  /** A helper program by registry: `docker-credential-NAME`. */
  readonly credHelpers?: Readonly<Record<string, string>>;
  /** The helper for all others. */
  readonly credsStore?: string;
}

/** Where users' tools keep them: Docker's, then Podman's. */
export function credentialFiles(environment: NodeJS.ProcessEnv = process.env): string[] {
  const {
    DOCKER_CONFIG,
    REGISTRY_AUTH_FILE,
    XDG_RUNTIME_DIR,
    XDG_CONFIG_HOME,
    HOME = homedir(),
  } = environment;
  const runtime = XDG_RUNTIME_DIR || `/run/containers/${process.getuid?.() ?? 0}`;
  return [
    ...(REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : []),
    join(DOCKER_CONFIG || join(HOME, '.docker'), 'config.json'),
    XDG_RUNTIME_DIR ? join(runtime, 'containers/auth.json') : join(runtime, 'auth.json'),
    join(XDG_CONFIG_HOME || join(HOME, '.config'), 'containers/auth.json'),
  ];
}

/**
 * The user's own credentials for the registry of an image, as `docker login` or `podman login` have left them. They are read anew
 * each time: a login counts from the next pull on.
 * @throws {Invalid} when a file or a helper program is broken
 */
export async function credentialsFor(
  image: string,
  files: readonly string[] = credentialFiles(),
): Promise<RegistryCredentials | undefined> {
  const names = namesOf(image);
  for (const file of files) {
    const content = await readCredentialFile(file);
    const found = content && (await credentialsIn(content, names));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value of the header `X-Registry-Auth`: base64 for addresses with its padding, which Node leaves out by that name. */
export const registryAuthHeader = (credentials: RegistryCredentials): string =>
  Buffer.from(JSON.stringify(credentials)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** Under what a registry may be kept, most special first: Podman also keeps logins to parts of a registry. */
function namesOf(image: string): string[] {
  const { registry, path } = registryOf(image);
  const parts = path.split('/');
  const within = parts.map((_, index) => [registry, ...parts.slice(0, parts.length - index)].join('/'));
  const aliases = registry === defaultRegistry ? ['index.docker.io', 'registry-1.docker.io'] : [];
  return [...within, registry, ...aliases];
}

async function readCredentialFile(file: string): Promise<CredentialFile | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof content === 'object' && content !== null ? content : undefined;
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((cause as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw new Invalid({
      reason: `${file}, which has the logins to registries, can't be read: ${(cause as Error).message}`,
      advice: 'Mend it, or log in again (docker login, podman login).',
      cause,
    });
  }
}

async function credentialsIn(
  { auths = {}, credHelpers = {}, credsStore }: CredentialFile,
  names: readonly string[],
): Promise<RegistryCredentials | undefined> {
  const keys = Object.keys(auths);
  for (const name of names) {
    const helper = credHelpers[name];
    if (helper !== undefined) return await askHelper(helper, name);
    const key = keys.find((each) => bare(each) === name);
    const login = key === undefined ? undefined : auths[key];
    if (login?.identitytoken) return { serveraddress: name, identitytoken: login.identitytoken };
    const [username, ...password] = Buffer.from(login?.auth ?? '', 'base64')
      .toString()
      .split(':');
    if (username && password.length > 0)
      return { serveraddress: name, username, password: password.join(':') };
    if (key !== undefined && credsStore) return await askHelper(credsStore, key);
  }
  return undefined;
}

/** Docker has keys such as `https://index.docker.io/v1/`. */
const bare = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/(v1\/?|v2\/?)?$/, '');

/** Source: docker/docker-credential-helpers, "Development": the server's address in, JSON out. */
async function askHelper(name: string, server: string): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${name}`;
  const complain = (why: string, cause?: unknown) =>
    new Invalid({
      reason: `the login to ${server} is kept by ${program}, which failed: ${why}`,
      advice: 'See that the program is in PATH, and log in again.',
      cause,
    });
  if (!/^[\w.-]+$/.test(name)) throw complain('that is no name of a program');
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  child.stdin.on('error', () => {}).end(`${server}\n`);
  try {
    const [answer, code] = await Promise.all([text(child.stdout), ended]);
    // It answers so when it keeps nothing for this registry.
    if (code !== 0 && /credentials not found/i.test(answer)) return undefined;
    if (code !== 0) throw new Error(answer.trim() || `it ended with ${code}`);
    const { Username = '', Secret = '' } = JSON.parse(answer) as { Username?: string; Secret?: string };
    return Username === '<token>'
      ? { serveraddress: server, identitytoken: Secret }
      : { serveraddress: server, username: Username, password: Secret };
  } catch (cause) {
    throw complain((cause as Error).message, cause);
  }
}
