import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { KnitError, NotFound, parseImage, Unavailable } from '@knitfab/core';
import { registryOf } from '../../docker/image-name.ts';
import type { Secret } from '../client/resource-type.ts';
import { type ImageConfiguration, readImageConfiguration } from './image-configuration.ts';
import { pullCredentials } from './pull-credentials.ts';
import { RegistryClient } from './registry-client.ts';

export interface ImageConfigurationsParts {
  /** The image pull secrets of a service account; asked for only when a registry wants to know who asks. */
  readonly pullSecrets: (serviceAccount: string | undefined) => Promise<readonly Secret[]>;
  /** A PEM file of authorities to trust beside those that everybody trusts; it may come, be replaced and go meanwhile. */
  readonly cacert?: string;
}

interface Known {
  readonly reading: Promise<ImageConfiguration>;
  /** By the monotonic clock. */
  readonly at: number;
}

/** How long a registry may take to tell. */
const patienceMilliseconds = 30_000;
/** A tag may be moved to another image; of many Runs that start at once one asks. */
const freshMilliseconds = 30_000;
const mostKnown = 500;

const advice = 'Say in the Plan what to run: set entrypoint (and args).';

/** What images run by themselves, asked of their registries as kubelet would: with the same credentials and authorities. */
export class ImageConfigurations {
  readonly #parts: ImageConfigurationsParts;
  readonly #known = new Map<string, Known>();

  constructor(parts: ImageConfigurationsParts) {
    this.#parts = parts;
  }

  /**
   * @param image `[host[:port]/]repository[:tag]`
   * @param serviceAccount on whose behalf; that of all who name none when left out
   * @throws {NotFound} when its registry has no such image for us
   * @throws {Unavailable} when the registry can't be asked; both advise to do without
   */
  async read(image: string, serviceAccount?: string): Promise<ImageConfiguration> {
    // What one may read is not told to another.
    const key = `${serviceAccount ?? ''} ${image}`;
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.at < freshMilliseconds) return await known.reading;
    const reading = this.#read(image, serviceAccount);
    this.#remember(key, { reading, at: performance.now() });
    try {
      return await reading;
    } catch (error) {
      this.#forget(key, reading);
      if (!(error instanceof KnitError)) throw error;
      if (error instanceof Unavailable && known !== undefined) {
        // A registry that is away keeps no image from running that a node has already.
        this.#remember(key, known);
        return await known.reading;
      }
      const reason = `what the image ${image} runs by itself is not known: ${error.reason}`;
      const parts = { reason, advice, cause: error };
      throw error instanceof NotFound ? new NotFound(parts) : new Unavailable(parts);
    }
  }

  async #read(image: string, serviceAccount: string | undefined): Promise<ImageConfiguration> {
    const { cacert, pullSecrets } = this.#parts;
    const { registry, path } = registryOf(image);
    const client = new RegistryClient({
      registry,
      path,
      credentials: async () => pullCredentials(await pullSecrets(serviceAccount), { registry, path }),
      authorities: cacert === undefined ? undefined : authoritiesWith(cacert),
      signal: AbortSignal.timeout(patienceMilliseconds),
    });
    return await readImageConfiguration(client, parseImage(image).tag);
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }

  #forget(key: string, reading: Promise<ImageConfiguration>): void {
    if (this.#known.get(key)?.reading === reading) this.#known.delete(key);
  }
}

function authoritiesWith(file: string): string[] {
  return existsSync(file) ? [...rootCertificates, readFileSync(file, 'utf8')] : [...rootCertificates];
}
