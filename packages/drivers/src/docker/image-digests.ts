import type { ImageInspection } from './engine-shapes.ts';
import { fullName, registryOf } from './image-name.ts';

/**
 * What an image was when a worker started: the digest of its manifest, by which a registry gives exactly this one, where the engine
 * knows it; else that of its configuration, which names the content as well.
 */
export function imageDigests(image: string, { Id, RepoDigests }: ImageInspection): Record<string, string> {
  const { registry, path } = registryOf(image);
  const known = (RepoDigests ?? []).map((each) => each.split('@') as [string, string?]);
  const own = known.find(
    ([repository]) => repository === `${registry}/${path}` || image.startsWith(`${repository}:`),
  );
  return { [fullName(image)]: own?.[1] ?? known[0]?.[1] ?? Id };
}
