/** What an image says of itself that a Plan can be guessed from. Source: OCI image configuration. */
export interface ImageConfiguration {
  readonly entrypoint: readonly string[];
  /** `Cmd`: the command when there is no entrypoint, else its arguments. */
  readonly command: readonly string[];
  /** Paths where the image expects volumes. */
  readonly volumes: readonly string[];
}

/** What an image was built for, as the OCI documents write it: `linux`, `amd64`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** An image, wherever it comes from. */
export interface Image {
  /** `repository:tag`; none when nothing names it. */
  readonly image?: string;
  readonly configuration: ImageConfiguration;
}

/** An image in an archive: for each platform a variant. */
export interface ArchivedImage {
  /** `repository:tag`; from some tools the tag alone. */
  readonly names: readonly string[];
  readonly variants: readonly ImageVariant[];
}

export interface ImageVariant {
  /** Undefined when nothing says it. */
  readonly platform: () => Platform | undefined;
  readonly configuration: () => ImageConfiguration;
}
