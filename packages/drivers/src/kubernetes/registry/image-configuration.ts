import { Unavailable } from '@knitfab/core';
import type { RegistryClient } from './registry-client.ts';

/** What an image runs by itself, and what it is the digest of. Source: OCI image specification, "Image Configuration". */
export interface ImageConfiguration {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Of the manifest: `sha256:HEX`. */
  readonly digest: string;
}

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The architectures of Node by their names in images (OCI image index, "platform"). */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
const ownArchitecture = architectures[process.arch] ?? process.arch;

/**
 * Reads what an image says of itself; of an image for several platforms, the one for Linux on the architecture of this process,
 * else the first for Linux.
 * @throws {NotFound} {Unavailable} as the client does; {Unavailable} also when it is no image that could be run
 */
export async function readImageConfiguration(
  client: RegistryClient,
  tag: string,
): Promise<ImageConfiguration> {
  let { body, digest } = await client.manifest(tag, [...indexTypes, ...manifestTypes]);
  let manifest = parsed(body);
  if (Array.isArray(manifest.manifests)) {
    const chosen = forThisCluster(manifest.manifests.filter(isDescriptor));
    ({ body, digest } = await client.manifest(chosen.digest, manifestTypes));
    manifest = parsed(body);
  }
  if (!isDescriptor(manifest.config)) throw notAnImage('its manifest names no configuration');
  const { config = {} } = parsed(await client.blob(manifest.config.digest)) as { config?: unknown };
  const { Entrypoint, Cmd } = (config ?? {}) as { Entrypoint?: unknown; Cmd?: unknown };
  return { entrypoint: words(Entrypoint), command: words(Cmd), digest };
}

function forThisCluster(among: readonly Descriptor[]): Descriptor {
  const forLinux = among.filter(({ platform }) => (platform?.os ?? 'linux') === 'linux');
  const own = forLinux.find(({ platform }) => platform?.architecture === ownArchitecture);
  const chosen = own ?? forLinux[0];
  if (chosen === undefined) throw notAnImage('it is for no platform with Linux');
  return chosen;
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw notAnImage('the registry sends something that is not JSON');
}

const isDescriptor = (value: unknown): value is Descriptor =>
  typeof value === 'object' &&
  value !== null &&
  'digest' in value &&
  typeof value.digest === 'string' &&
  /^sha256:[0-9a-f]{64}$/.test(value.digest);

/** The lists of words of a configuration may be missing or null. */
function words(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value;
  throw notAnImage('its command is not a list of words');
}

const notAnImage = (why: string): Unavailable =>
  new Unavailable(`it is not an image that could be run: ${why}`);
