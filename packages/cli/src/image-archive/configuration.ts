import { z } from 'zod';
import type { ImageConfiguration, Platform } from './image.ts';

const words = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** The configuration of an image, as far as it matters here. Source: OCI image-spec, config.md; Docker's is the same. */
export const configurationShape = z.object({
  os: z.string().nullish(),
  architecture: z.string().nullish(),
  config: z
    .object({
      Entrypoint: words,
      Cmd: words,
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

type Content = z.output<typeof configurationShape>;

export const configurationOf = ({ config }: Content): ImageConfiguration => ({
  entrypoint: config?.Entrypoint ?? [],
  command: config?.Cmd ?? [],
  volumes: Object.keys(config?.Volumes ?? {}),
});

export const platformOf = (content: Partial<Content> | null | undefined): Platform | undefined =>
  content?.os && content.architecture ? { os: content.os, architecture: content.architecture } : undefined;
