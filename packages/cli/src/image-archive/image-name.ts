import { Invalid, parseImage } from '@knitfab/core';

/**
 * Whether an image of that name is meant by what a person writes: `prep:v1` may mean `localhost/prep:v1` (Podman) or
 * `docker.io/library/prep:v1` (containerd); without a tag, `latest` is meant. Some tools name an image by its tag alone.
 */
export function fitsName(name: string, wanted: string): boolean {
  const whole = tagged(wanted);
  return isTagOnly(name)
    ? whole.endsWith(`:${name}`)
    : tagged(name) === whole ||
        tagged(name).endsWith(`/${whole}`) ||
        withoutHub(whole) === withoutHub(tagged(name));
}

/** A name without a repository: what `org.opencontainers.image.ref.name` often holds. */
export const isTagOnly = (name: string): boolean => !/[:/]/.test(name);

const tagged = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);

/** Docker's registry goes without saying. Source: distribution/reference, "familiar" names. */
const withoutHub = (name: string): string =>
  name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');

/** The name to put into a Plan: a tag that moves says less than any other. Undefined when no Plan can have any of them. */
export function bestName(names: readonly string[]): string | undefined {
  const usable = names.filter((name) => !isTagOnly(name) && isImageName(name));
  return usable.find((name) => !name.endsWith(':latest')) ?? usable[0];
}

/** Archives may hold anything; with a digest in place of a tag, for one. */
function isImageName(name: string): boolean {
  try {
    parseImage(name);
    return true;
  } catch (error) {
    if (error instanceof Invalid) return false;
    throw error;
  }
}
