import { KnitError, Unavailable } from '@knitfab/core';
import { type EngineAddress, engineAddresses } from './engine-address.ts';
import { EngineClient, EngineRefusal, type EngineRequest } from './engine-client.ts';
import type { EngineInformation, EngineVersion } from './engine-shapes.ts';

/** The newest version of the API that this code was written for. */
const knownVersion = '1.43';

/** How long an engine may take to say what it is; one that is started by its first caller takes a second or two. */
const probeMilliseconds = 10_000;

/** A container engine that answers: Docker, or Podman with Docker's API. */
export interface Engine {
  readonly address: EngineAddress;
  /** Such as `Podman 4.3.1`. */
  readonly title: string;
  readonly isPodman: boolean;
  /** Whether it runs as an ordinary user, who is root in its containers. */
  readonly isRootless: boolean;
  /** Whether it can limit what containers use: without root, that takes control groups of version 2. */
  readonly canLimit: boolean;
  /** Whether containers see only files with an SELinux label of theirs. */
  readonly hasSelinux: boolean;
  readonly client: EngineClient;
}

/**
 * Looks for an engine.
 * @param addresses where, best first; the usual places when left out
 * @returns the first that answers; `complaints` say what was wrong with the others
 */
export async function findEngine(
  addresses?: readonly EngineAddress[],
): Promise<{ engine?: Engine; complaints: string[] }> {
  const complaints: string[] = [];
  try {
    for (const address of addresses ?? engineAddresses()) {
      const answer = await openEngine(address).catch((error: unknown) => complaint(error));
      if (typeof answer !== 'string') return { engine: answer, complaints };
      complaints.push(answer);
    }
  } catch (error) {
    complaints.push(complaint(error));
  }
  return { complaints };
}

const complaint = (error: unknown): string =>
  error instanceof KnitError ? error.reason : (error as Error).message;

/**
 * Asks an engine what it is.
 * @throws {Unavailable} when it does not answer, or is too old
 */
export async function openEngine(address: EngineAddress): Promise<Engine> {
  const version = await ask<EngineVersion>(new EngineClient(address), { path: '/version' });
  const client = new EngineClient(address, versionToSpeak(version));
  const {
    SecurityOptions,
    Rootless = false,
    CgroupVersion,
  } = await ask<EngineInformation>(client, { path: '/info' });
  const options = SecurityOptions ?? [];
  const podman = version.Components?.find(({ Name }) => Name === 'Podman Engine');
  const isRootless = Rootless || options.some((option) => option.startsWith('name=rootless'));
  return {
    address,
    title: podman === undefined ? `Docker ${version.Version}` : `Podman ${podman.Version}`,
    isPodman: podman !== undefined,
    isRootless,
    canLimit: !isRootless || CgroupVersion !== '1',
    hasSelinux: options.some((option) => option.startsWith('name=selinux')),
    client,
  };
}

/** The newest version that both know; the engine's oldest when it has given up all that this code knows. */
function versionToSpeak({ ApiVersion, MinAPIVersion }: EngineVersion): string {
  const newest = isOlder(ApiVersion, knownVersion) ? ApiVersion : knownVersion;
  return MinAPIVersion !== undefined && isOlder(newest, MinAPIVersion) ? MinAPIVersion : newest;
}

function isOlder(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}

/** Asks what an engine must be able to answer. */
async function ask<Answer>(client: EngineClient, request: EngineRequest): Promise<Answer> {
  try {
    return await client.json<Answer>({ ...request, signal: AbortSignal.timeout(probeMilliseconds) });
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    throw new Unavailable(
      `the container engine at ${client.address.name} refuses ${request.path}: ${error.message}`,
    );
  }
}

/** @returns undefined when the engine answers that there is no such thing */
export async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof EngineRefusal && error.status === 404) return undefined;
    throw error;
  }
}
