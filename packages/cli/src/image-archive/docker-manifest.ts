import { z } from 'zod';
import { configurationOf, configurationShape, platformOf } from './configuration.ts';
import type { Documents } from './documents.ts';
import type { ArchivedImage, ImageVariant } from './image.ts';

/** Where `docker save` says which images there are; newer versions write it into an OCI layout. */
export const dockerManifestPath = 'manifest.json';

const manifestShape = z.array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish() }));

/**
 * The images that a `manifest.json` names. Source: Docker image specification v1.2, "Combined Image JSON + Filesystem
 * Changeset Format". Entries with the same names are one image's platforms.
 * @throws {Invalid} when it can't be understood
 */
export function dockerImages(documents: Documents): ArchivedImage[] {
  const images = new Map<string, { names: string[]; variants: ImageVariant[] }>();
  for (const { Config, RepoTags } of documents.read(dockerManifestPath, manifestShape)) {
    const names = RepoTags ?? [];
    const key = names.length === 0 ? Config : JSON.stringify(names);
    const image = images.get(key) ?? { names, variants: [] };
    const content = () => documents.read(Config.replace(/^(\.\/)+/, ''), configurationShape);
    image.variants.push({
      platform: () => platformOf(content()),
      configuration: () => configurationOf(content()),
    });
    images.set(key, image);
  }
  return [...images.values()];
}
