import { createHash } from 'node:crypto';
import { NotFound, Unavailable } from '@knitfab/core';
import { type Challenge, parseChallenge } from './challenge.ts';
import { type Answer, httpsGet } from './https-get.ts';
import type { PullCredentials } from './pull-credentials.ts';

export interface RegistryClientParts {
  readonly registry: string;
  /** The repository within the registry. */
  readonly path: string;
  /** Asked for only when the registry wants to know. */
  readonly credentials: () => Promise<PullCredentials[]>;
  readonly authorities: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** Registries must take manifests of so many bytes, and clients need not take more (OCI distribution, "Pushing Manifests"). */
const limit = 4 * 1024 * 1024;

/** Reads one repository of a registry (OCI distribution specification 1.1). */
export class RegistryClient {
  readonly #parts: RegistryClientParts;
  readonly #origin: string;
  #authorization: string | undefined;

  constructor(parts: RegistryClientParts) {
    this.#parts = parts;
    const host = parts.registry === 'docker.io' ? 'registry-1.docker.io' : parts.registry;
    // As container engines do it: only what never leaves this machine may go unencrypted.
    const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
    this.#origin = `${isLocal ? 'http' : 'https'}://${host}`;
  }

  /**
   * A manifest or an index, by a tag or a digest, and its digest.
   * @throws {NotFound} when the registry has none, or does not let us see it
   * @throws {Unavailable} when the registry can't be asked
   */
  async manifest(reference: string, accept: readonly string[]): Promise<{ body: Buffer; digest: string }> {
    const { body } = await this.#get(`manifests/${reference}`, { accept: accept.join(', ') });
    return { body, digest: checked(body, reference) };
  }

  /** A blob by its digest; throws as `manifest` does. */
  async blob(digest: string): Promise<Buffer> {
    const { body } = await this.#get(`blobs/${digest}`, {});
    checked(body, digest);
    return body;
  }

  async #get(what: string, headers: Record<string, string>): Promise<Answer> {
    const { registry, path } = this.#parts;
    const url = new URL(`/v2/${path}/${what}`, this.#origin);
    let answer = await this.#ask(url, headers);
    if (answer.status === 401) {
      for (const authorization of await this.#answersTo(parseChallenge(answer.headers['www-authenticate']))) {
        this.#authorization = authorization;
        answer = await this.#ask(url, headers);
        if (answer.status !== 401 && answer.status !== 403) break;
      }
    }
    const { status, body } = answer;
    if (status === 200) return answer;
    const reason = `the registry ${registry} answers ${status} for ${path}${messageOf(body)}`;
    throw [401, 403, 404].includes(status) ? new NotFound(reason) : new Unavailable(reason);
  }

  async #ask(url: URL, headers: Record<string, string>): Promise<Answer> {
    const { authorities, signal, registry } = this.#parts;
    const authorization = this.#authorization;
    try {
      return await httpsGet(url, {
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        authorities,
        signal,
        limit,
      });
    } catch (cause) {
      const why = signal.aborted ? 'it takes too long' : (cause as Error).message;
      throw new Unavailable({ reason: `the registry ${registry} can't be asked: ${why}`, cause });
    }
  }

  /** What to send as `Authorization`, to be tried one after the other. */
  async #answersTo(challenge: Challenge | undefined): Promise<string[]> {
    if (challenge === undefined) return [];
    const known = await this.#parts.credentials();
    if (challenge.scheme === 'basic') return known.flatMap((each) => basic(each) ?? []);
    // Public images are to be had with a token for anybody.
    const tokens: string[] = [];
    for (const credentials of [...known, undefined]) {
      const token = await this.#token(challenge, credentials);
      if (token !== undefined) tokens.push(`Bearer ${token}`);
    }
    return tokens;
  }

  async #token(
    { realm, service }: Challenge & { scheme: 'bearer' },
    credentials: PullCredentials | undefined,
  ): Promise<string | undefined> {
    const { registry, path, authorities, signal } = this.#parts;
    const query = new URLSearchParams({ ...(service && { service }), scope: `repository:${path}:pull` });
    const authorization = credentials && basic(credentials);
    const refresh = credentials && 'identityToken' in credentials ? credentials.identityToken : undefined;
    const form =
      refresh === undefined
        ? undefined
        : new URLSearchParams([
            ...query,
            ['grant_type', 'refresh_token'],
            ['refresh_token', refresh],
            ['client_id', 'knitfab'],
          ]);
    try {
      const url = new URL(realm, this.#origin);
      if (form === undefined) for (const [name, value] of query) url.searchParams.append(name, value);
      if (url.protocol === 'http:' && this.#origin.startsWith('https:'))
        throw new Error(`its tokens are at ${url.origin}, which is not safe`);
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const asked = { headers, authorities, signal, limit, ...(form && { form }) };
      const { status, body } = await httpsGet(url, asked);
      if (status !== 200) return undefined;
      const answer = JSON.parse(body.toString()) as { token?: unknown; access_token?: unknown };
      const token = answer.token ?? answer.access_token;
      return typeof token === 'string' ? token : undefined;
    } catch (cause) {
      throw new Unavailable({
        reason: `the registry ${registry} gives no token: ${(cause as Error).message}`,
        cause,
      });
    }
  }
}

function basic(credentials: PullCredentials): string | undefined {
  if (!('username' in credentials)) return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * The digest of what a registry sent.
 * @throws {Unavailable} when it is not what was asked for
 */
function checked(body: Buffer, asked: string): string {
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  if (asked.startsWith('sha256:') && asked !== digest)
    throw new Unavailable(`the registry sent something else than ${asked}`);
  return digest;
}

/** What a registry says is wrong (OCI distribution, "Error Codes"). */
function messageOf(body: Buffer): string {
  try {
    const { errors } = JSON.parse(body.toString()) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = errors?.[0] ?? {};
    const said = typeof message === 'string' && message !== '' ? message : code;
    return typeof said === 'string' ? `: ${said.slice(0, 200)}` : '';
  } catch {
    return '';
  }
}
