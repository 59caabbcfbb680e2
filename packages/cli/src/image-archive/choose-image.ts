import { Invalid, NotFound } from '@knitfab/core';
import type { ArchivedImage, ImageVariant, Platform } from './image.ts';
import { fitsName } from './image-name.ts';

/**
 * The image that is meant: the one of that name, or the only one.
 * @throws {NotFound} when there is none of that name; {Invalid} when it is not clear which; both list what there is
 */
export function chooseImage(images: readonly ArchivedImage[], wanted: string | undefined): ArchivedImage {
  const [only] = images;
  if (only === undefined) throw new NotFound('the archive holds no image');
  // Whoever gives a name to the only image, which has none, tells what to call it.
  if (images.length === 1 && (wanted === undefined || only.names.length === 0)) return only;
  const fitting = images.filter(
    ({ names }) => wanted === undefined || names.some((name) => fitsName(name, wanted)),
  );
  const exact = fitting.filter(({ names }) => names.some((name) => name === wanted));
  const [chosen, ...others] = exact.length > 0 ? exact : fitting;
  if (chosen === undefined) {
    throw new NotFound({ reason: `the archive holds no image ${wanted}`, advice: listed(images) });
  }
  if (others.length === 0) return chosen;
  throw new Invalid({
    reason: `the archive holds ${fitting.length} images${wanted === undefined ? '' : ` that ${wanted} may mean`}`,
    advice: `Say which one, as IMAGE:TAG. ${listed(fitting)}`,
  });
}

/** How many names a message lists. */
const longestList = 20;

function listed(images: readonly ArchivedImage[]): string {
  const names = images.flatMap((image) =>
    image.names.length === 0 ? ['(one without a name)'] : image.names,
  );
  const more = names.length > longestList ? [`and ${names.length - longestList} more`] : [];
  return ['It holds:', ...[...names.slice(0, longestList), ...more].map((name) => `  ${name}`)].join('\n');
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The platforms whose images are preferred: containers run Linux; this machine's processor first. */
const preferred: readonly Platform[] = [process.arch, 'x64'].map((arch) => ({
  os: 'linux',
  architecture: architectures[arch] ?? arch,
}));

/**
 * The variant for this machine, else for linux/amd64, else the only one.
 * @throws {Invalid} when none of these is there
 */
export function chooseVariant(variants: readonly ImageVariant[]): ImageVariant {
  const [only] = variants;
  if (only !== undefined && variants.length === 1) return only;
  for (const wanted of preferred) {
    const fitting = variants.find((variant) => {
      const platform = variant.platform();
      return platform?.os === wanted.os && platform.architecture === wanted.architecture;
    });
    if (fitting !== undefined) return fitting;
  }
  const platforms = variants.map((variant) => variant.platform());
  const names = platforms.map((platform) =>
    platform ? `${platform.os}/${platform.architecture}` : 'unknown',
  );
  throw new Invalid({
    reason: `the image is there for ${[...new Set(names)].join(', ')}, and neither for this machine nor for linux/amd64`,
    advice: 'Save it for one platform: docker save --platform, or skopeo --override-arch.',
  });
}
