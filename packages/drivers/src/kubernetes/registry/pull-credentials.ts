import { Unavailable } from '@knitfab/core';
import type { Secret } from '../client/resource-type.ts';

/** Who pulls. */
export type PullCredentials =
  | { readonly username: string; readonly password: string }
  /** An OAuth 2 refresh token. */
  | { readonly identityToken: string };

interface DockerConfig {
  readonly auths?: Readonly<Record<string, Login>>;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
  /** base64 of `username:password` */
  readonly auth?: string;
  readonly identitytoken?: string;
}

/**
 * The credentials that image pull secrets have for a repository, the most special first. Source: Kubernetes, "Images",
 * "Interpretation of config.json": names with `*` for a part of a host, and with the beginning of a path.
 * @param secrets of the types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`
 * @throws {Unavailable} naming a Secret that can't be read
 */
export function pullCredentials(
  secrets: readonly Secret[],
  { registry, path }: { registry: string; path: string },
): PullCredentials[] {
  return secrets
    .flatMap((secret) => Object.entries(loginsIn(secret)))
    .filter(([pattern]) => matches(pattern, registry, path))
    .sort(([a], [b]) => b.length - a.length)
    .flatMap(([, login]) => credentialsIn(login) ?? []);
}

function loginsIn({ metadata, data = {} }: Secret): Readonly<Record<string, Login>> {
  const [config, old] = [data['.dockerconfigjson'], data['.dockercfg']];
  try {
    const parse = (text: string) => JSON.parse(Buffer.from(text, 'base64').toString()) as unknown;
    const logins = config === undefined ? parse(old ?? '') : (parse(config) as DockerConfig)?.auths;
    if (typeof logins === 'object' && logins !== null) return logins as Readonly<Record<string, Login>>;
  } catch {
    // Told below, without a word of what it holds.
  }
  throw new Unavailable({
    reason: `the Secret ${metadata?.name} has no logins to registries`,
    advice: 'Make it with: kubectl create secret docker-registry',
  });
}

function matches(pattern: string, registry: string, path: string): boolean {
  // Docker has keys such as `https://index.docker.io/v1/`.
  const [host = '', ...prefix] = pattern
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1\/?|v2\/?)?$/, '')
    .split('/');
  const isHost =
    host === registry ||
    (registry === 'docker.io' && host === 'index.docker.io') ||
    isGlobFor(host, registry);
  return isHost && `${path}/`.startsWith(prefix.map((part) => `${part}/`).join(''));
}

/** `*` stands for any text without a dot. */
function isGlobFor(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) return false;
  const [patterns, parts] = [pattern.split('.'), host.split('.')];
  return (
    patterns.length === parts.length &&
    patterns.every((each, index) => {
      const [begin = '', ...rest] = each.split('*');
      const part = parts[index] ?? '';
      if (rest.length === 0) return part === begin;
      const end = rest.at(-1) ?? '';
      return part.length >= begin.length + end.length && part.startsWith(begin) && part.endsWith(end);
    })
  );
}

function credentialsIn(login: Login): PullCredentials | undefined {
  if (login.identitytoken) return { identityToken: login.identitytoken };
  if (login.username && login.password !== undefined)
    return { username: login.username, password: login.password };
  const [username, ...password] = Buffer.from(login.auth ?? '', 'base64')
    .toString()
    .split(':');
  return username && password.length > 0 ? { username, password: password.join(':') } : undefined;
}
