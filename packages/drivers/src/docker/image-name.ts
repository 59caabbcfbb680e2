import { formatImage, parseImage } from '@knitfab/core';

/** The registry of images whose name has none. Source: distribution/reference, "familiar names". */
export const defaultRegistry = 'docker.io';

/**
 * Where an image comes from: the first part of its name is a host when it looks like one.
 * @throws {Invalid} when it is no image name
 */
export function registryOf(image: string): { registry: string; path: string } {
  const { repository } = parseImage(image);
  const [first = '', ...rest] = repository.split('/');
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost'))
    return { registry: first, path: rest.join('/') };
  return { registry: defaultRegistry, path: rest.length === 0 ? `library/${first}` : repository };
}

/** The name with its tag: `repository:tag`. */
export const fullName = (image: string): string => formatImage(parseImage(image));
