import { Invalid, parseImage, Unavailable } from '@knitfab/core';
import { unlessMissing } from './engine.ts';
import { type EngineClient, EngineRefusal } from './engine-client.ts';
import type { ImageInspection, PullMessage } from './engine-shapes.ts';
import { jsonLines } from './json-lines.ts';
import { PullProgress } from './pull-progress.ts';
import { credentialsFor, registryAuthHeader } from './registry-credentials.ts';

/** Why an image could not be pulled. */
export class PullFailure extends Error {
  /** Whether trying again is of no use as long as nobody does anything: there is no such image, or it is not for this user. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.name = 'PullFailure';
    this.isFinal = isFinal;
  }
}

/** The images of an engine. Each is pulled once, however many ask for it at the same time. */
export class Images {
  readonly #client: EngineClient;
  readonly #pulls = new Map<string, PullProgress>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** @returns undefined when the engine does not have it */
  async find(image: string): Promise<ImageInspection | undefined> {
    // The API has slashes of the name as they are.
    return await unlessMissing(this.#client.json<ImageInspection>({ path: `/images/${image}/json` }));
  }

  /**
   * Has the engine pull an image, with the user's own credentials.
   * @param onProgress is told in words
   * @throws {PullFailure} {@link Unavailable} when the engine does not answer
   */
  async pull(image: string, onProgress: (words: string) => void): Promise<void> {
    const progress = this.#pulls.get(image) ?? this.#begin(image);
    const unlisten = progress.listen(onProgress);
    try {
      await progress.ended;
    } finally {
      unlisten();
    }
  }

  #begin(image: string): PullProgress {
    const progress = new PullProgress(image, (report) => this.#pull(image, report));
    this.#pulls.set(image, progress);
    const forget = () => this.#pulls.delete(image);
    progress.ended.then(forget, forget);
    return progress;
  }

  async #pull(image: string, report: (message: PullMessage) => void): Promise<void> {
    const { repository, tag } = parseImage(image);
    try {
      const credentials = await credentialsFor(image);
      const stream = await this.#client.stream({
        method: 'POST',
        path: '/images/create',
        query: { fromImage: repository, tag },
        headers: credentials === undefined ? {} : { 'x-registry-auth': registryAuthHeader(credentials) },
      });
      for await (const message of jsonLines<PullMessage>(stream)) {
        const failure = message.errorDetail?.message ?? message.error;
        if (failure !== undefined) throw pullFailure(failure);
        report(message);
      }
    } catch (error) {
      if (error instanceof EngineRefusal) throw pullFailure(error.message);
      if (error instanceof PullFailure || error instanceof Unavailable) throw error;
      if (error instanceof Invalid) throw new PullFailure(error.reason, true);
      throw new PullFailure((error as Error).message, false);
    }
  }
}

/** What registries and engines say of images that are not there or not for everybody (distribution specification, "Error Codes"). */
const finalWords =
  /manifest unknown|manifest.*not found|not found: manifest|name unknown|repository .*not (found|known)|does not exist|unauthorized|authentication required|access.*denied|denied:|no basic auth|invalid reference|no matching manifest|no image found in manifest list/i;

const pullFailure = (message: string): PullFailure =>
  new PullFailure(message.trim(), finalWords.test(message));
