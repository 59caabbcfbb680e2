import { Invalid } from '@knitfab/core';
import { chooseImage, chooseVariant } from './choose-image.ts';
import { dockerImages, dockerManifestPath } from './docker-manifest.ts';
import type { Image } from './image.ts';
import { bestName } from './image-name.ts';
import { ociImages, ociIndexPath } from './oci-index.ts';
import { readDocuments } from './read-documents.ts';

/**
 * Reads an image's configuration out of an archive of Docker's or of the OCI layout. The archive is read once, to its end,
 * in bounded memory; layers are passed over, and nothing is unpacked.
 * @param wanted `repository:tag` of the image, needed when there are several
 * @throws {Invalid | NotFound} when the archive can't be understood, or does not hold the image
 */
export async function readImage(stream: AsyncIterable<Buffer>, wanted: string | undefined): Promise<Image> {
  const documents = await readDocuments(stream);
  const isDocker = documents.has(dockerManifestPath);
  if (!isDocker && !documents.has(ociIndexPath)) {
    throw new Invalid({
      reason: `the archive holds no image: neither ${dockerManifestPath} nor ${ociIndexPath} is there`,
      advice:
        'Give what `docker save` or `podman save` writes, whole, and not a container that was exported.',
    });
  }
  const image = chooseImage(isDocker ? dockerImages(documents) : ociImages(documents), wanted);
  const name = wanted ?? bestName(image.names);
  return {
    ...(name !== undefined && { image: name }),
    configuration: chooseVariant(image.variants).configuration(),
  };
}
