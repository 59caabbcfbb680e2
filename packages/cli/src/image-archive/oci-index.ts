import { Invalid } from '@knitfab/core';
import { z } from 'zod';
import { configurationOf, configurationShape, platformOf } from './configuration.ts';
import { blobPath, type Documents } from './documents.ts';
import type { ArchivedImage, ImageVariant } from './image.ts';

/** Where an OCI layout says which images there are. Source: OCI image-spec, image-layout.md. */
export const ociIndexPath = 'index.json';

/** More manifests than this (indexes may refer to indexes) are there to keep a reader busy. */
const maxManifests = 10_000;

const descriptorShape = z.object({
  digest: z.string(),
  platform: z.object({ os: z.string().nullish(), architecture: z.string().nullish() }).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const indexShape = z.object({ manifests: z.array(descriptorShape) });
/** An image's manifest, or an index of those for its platforms: what it is shows in its fields. */
const blobShape = z.object({
  manifests: indexShape.shape.manifests.nullish(),
  config: descriptorShape.nullish(),
});

type Descriptor = z.output<typeof descriptorShape>;

/**
 * The images that an OCI layout's `index.json` names, each with its platforms.
 * @throws {Invalid} when it can't be understood
 */
export function ociImages(documents: Documents): ArchivedImage[] {
  const images = new Map<string, { names: string[]; variants: ImageVariant[] }>();
  const budget = { left: maxManifests };
  for (const descriptor of documents.read(ociIndexPath, indexShape).manifests) {
    const known = images.get(descriptor.digest);
    const image = known ?? { names: [], variants: variantsOf(descriptor, documents, budget) };
    image.names.push(...namesOf(descriptor));
    if (image.variants.length > 0) images.set(descriptor.digest, image);
  }
  return [...images.values()];
}

/** Sources: OCI image-spec, annotations.md; containerd writes the whole name into a field of its own. */
function namesOf({ annotations }: Descriptor): string[] {
  const name =
    annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'];
  return name ? [name] : [];
}

function variantsOf(descriptor: Descriptor, documents: Documents, budget: { left: number }): ImageVariant[] {
  if (budget.left-- <= 0) throw new Invalid(`the archive refers to more than ${maxManifests} manifests`);
  if (isAttestation(descriptor)) return [];
  const { manifests, config } = documents.read(blobPath(descriptor.digest), blobShape);
  if (manifests) {
    // An index may name platforms that were not saved with it.
    const saved = manifests.filter(({ digest }) => documents.has(blobPath(digest)));
    return (saved.length > 0 ? saved : manifests).flatMap((each) => variantsOf(each, documents, budget));
  }
  if (!config) throw new Invalid(`${blobPath(descriptor.digest)} is no manifest of an image`);
  const content = () => documents.read(blobPath(config.digest), configurationShape);
  return [
    {
      platform: () => platformOf(descriptor.platform) ?? platformOf(content()),
      configuration: () => configurationOf(content()),
    },
  ];
}

/** What BuildKit stores beside images: statements about how they were built. */
const isAttestation = ({ platform, annotations }: Descriptor): boolean =>
  platform?.architecture === 'unknown' ||
  annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
