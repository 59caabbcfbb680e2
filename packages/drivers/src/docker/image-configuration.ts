import { NotFound, Unavailable } from '@knitfab/core';
import { findEngine } from './engine.ts';
import { fullName } from './image-name.ts';
import { Images } from './images.ts';

/** What an image runs when nobody says otherwise, and where it wants volumes (OCI image specification, "Image Configuration"). */
export interface EngineImage {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * Asks the container engine of this machine what an image says of itself.
 * @throws {NotFound} when it does not have the image
 * @throws {Unavailable} when there is no engine
 */
export async function engineImage(image: string): Promise<EngineImage> {
  const { engine, complaints } = await findEngine();
  if (engine === undefined) {
    throw new Unavailable({
      reason:
        complaints.length === 0 ? 'no container engine was found on this machine' : complaints.join('; '),
      advice: 'Start Docker or Podman, or give the image as a file: docker save writes one.',
    });
  }
  const found = await new Images(engine.client).find(fullName(image));
  if (found === undefined) {
    throw new NotFound({
      reason: `${engine.title} at ${engine.address.name} has no image ${fullName(image)}`,
      advice: 'Build or pull it first, or give it as a file with --input FILE.',
    });
  }
  const { Entrypoint, Cmd, Volumes } = found.Config ?? {};
  return { entrypoint: Entrypoint ?? [], command: Cmd ?? [], volumes: Object.keys(Volumes ?? {}) };
}
