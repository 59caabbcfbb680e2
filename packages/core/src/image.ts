import { Invalid } from './errors.ts';
import { shorten } from './text.ts';

/** A container image: `[host[:port]/]repository`, and its tag. */
export interface Image {
  readonly repository: string;
  readonly tag: string;
}

const component = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*';
const host =
  '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\\[[0-9A-Fa-f:]+\\])(?::\\d{1,5})?';
const reference = new RegExp(`^((?:${host}/)?${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?$`);

/** Longest repository, host included. Source: distribution/reference, NameTotalLengthMax. */
const maxRepositoryLength = 255;
/** A repository, a colon and a tag. */
const maxLength = maxRepositoryLength + 1 + 128;

/**
 * Reads `[host[:port]/]repository[:tag]`; the tag is `latest` when left out (spec page 1).
 * @throws {Invalid} when it is no image name; a digest is none. Source: distribution/reference grammar.
 */
export function parseImage(text: string): Image {
  const match = text.length > maxLength ? null : reference.exec(text);
  const repository = match?.[1];
  if (repository === undefined || repository.length > maxRepositoryLength) {
    throw new Invalid({
      reason: `"${shorten(text)}" is not the name of an image`,
      advice: 'Write it as [host[:port]/]repository[:tag], such as registry.example.com/team/train:v1.',
    });
  }
  return { repository, tag: match?.[2] ?? 'latest' };
}

export const formatImage = (image: Image): string => `${image.repository}:${image.tag}`;
