import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Invalid } from '@knitfab/core';

/** Where a container engine listens. */
export interface EngineAddress {
  /** As a person would write it: `unix:///run/podman/podman.sock`. */
  readonly name: string;
  readonly connection: { readonly socketPath: string } | { readonly host: string; readonly port: number };
}

/**
 * Reads an address as DOCKER_HOST has it.
 * @throws {Invalid} for one that is not of this machine: Data are mounted into containers, so they have to be where the engine is
 */
export function parseEngineAddress(text: string): EngineAddress {
  if (text.startsWith('unix://') && text.length > 'unix://'.length)
    return { name: text, connection: { socketPath: text.slice('unix://'.length) } };
  if (text.startsWith('/')) return { name: `unix://${text}`, connection: { socketPath: text } };
  const tcp = /^(?:tcp|http):\/\/(127(?:\.\d+){3}|localhost|\[::1\]):(\d+)\/?$/.exec(text);
  if (tcp !== null) {
    const host = (tcp[1] ?? '').replaceAll(/[[\]]/g, '');
    return { name: text, connection: { host, port: Number(tcp[2]) } };
  }
  throw new Invalid({
    reason: `the container engine ${text} can't be used: it is not one of this machine`,
    advice: 'Set DOCKER_HOST to a socket of this machine, such as unix:///var/run/docker.sock, or unset it.',
  });
}

/** Where an engine may be on this machine, best first: DOCKER_HOST alone when it is set, else the sockets that exist. */
export function engineAddresses(environment: NodeJS.ProcessEnv = process.env): EngineAddress[] {
  const { DOCKER_HOST: given, XDG_RUNTIME_DIR: runtime } = environment;
  if (given !== undefined && given !== '') return [parseEngineAddress(given)];
  const own = runtime === undefined || runtime === '' ? [] : [runtime];
  return [
    '/var/run/docker.sock',
    ...own.flatMap((directory) => [join(directory, 'docker.sock'), join(directory, 'podman/podman.sock')]),
    '/run/podman/podman.sock',
  ]
    .filter((path) => existsSync(path))
    .map(parseEngineAddress);
}
