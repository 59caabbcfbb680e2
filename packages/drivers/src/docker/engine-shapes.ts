// What of the Docker Engine API's answers is used here (its reference, version 1.43, same names).

export interface EngineVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion?: string;
  readonly Components?: readonly { readonly Name: string; readonly Version: string }[];
}

export interface EngineInformation {
  /** Such as `name=rootless`, `name=selinux`, `name=seccomp,profile=default`. */
  readonly SecurityOptions?: readonly string[] | null;
  /** Podman */
  readonly Rootless?: boolean;
  /** `1` or `2` */
  readonly CgroupVersion?: string;
}

export interface ImageInspection {
  /** `sha256:HEX` of the image's configuration */
  readonly Id: string;
  /** `REPOSITORY@sha256:HEX` of the manifest, for each repository that the image was pulled from */
  readonly RepoDigests?: readonly string[] | null;
  readonly Config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly Volumes?: Readonly<Record<string, object>> | null;
  };
}

export interface ContainerInspection {
  readonly Id: string;
  readonly State: {
    /** `created`, `initialized` (Podman), `running`, `paused`, `stopping`, `exited`, `dead`, `removing` */
    readonly Status: string;
    readonly Running: boolean;
    readonly OOMKilled?: boolean;
    readonly ExitCode: number;
    readonly Error?: string;
    /** RFC 3339; of the year 1 for never */
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
}

export interface ContainerSummary {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** One message of the stream of events. */
export interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

/** One message of the stream that a pull answers with. */
export interface PullMessage {
  /** The layer that it is about. */
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}
