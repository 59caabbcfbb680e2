import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What an image is built of, and where it goes. */
export interface ImageBuild {
  /** `REPOSITORY/NAME:TAG` */
  readonly image: string;
  /** A directory with a Dockerfile. */
  readonly context: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** Such as `linux/arm64`; this machine's when there are none. */
  readonly platforms: readonly string[];
  /** Whether images to build from are pulled even when they are there. */
  readonly pull: boolean;
  readonly push: boolean;
  /** An archive to write, of one platform in docker's format, else in OCI's. */
  readonly output?: string;
}

export type EngineName = 'buildah' | 'docker';

/** Builds with either program; the same sources give the same image. */
export const engines: Record<EngineName, (build: ImageBuild) => void> = {
  buildah({ image, context, platforms, pull, push, output, arguments: given }) {
    const several = platforms.length > 1;
    run('buildah', [
      'build',
      pull ? '--pull=always' : '--pull=missing',
      '--network=host',
      // Times that say nothing.
      '--timestamp=0',
      several ? `--manifest=${image}` : `--tag=${image}`,
      ...(platforms.length > 0 ? [`--platform=${platforms.join(',')}`] : []),
      ...Object.entries(given).map(([name, value]) => `--build-arg=${name}=${value}`),
      context,
    ]);
    const send = several ? ['manifest', 'push', '--all', image] : ['push', image];
    if (push) run('buildah', [...send, `docker://${image}`]);
    if (output === undefined) return;
    run('buildah', [...send, several ? `oci-archive:${output}` : `docker-archive:${output}:${image}`]);
  },
  docker({ image, context, platforms, pull, push, output, arguments: given }) {
    const several = platforms.length > 1;
    const destination = output && [
      `type=${several ? 'oci' : 'docker'},dest=${output},rewrite-timestamp=true`,
    ];
    run(
      'docker',
      [
        'buildx',
        'build',
        ...(pull ? ['--pull'] : []),
        `--tag=${image}`,
        ...(platforms.length > 0 ? [`--platform=${platforms.join(',')}`] : []),
        ...Object.entries(given).map(([name, value]) => `--build-arg=${name}=${value}`),
        ...(push ? ['--push'] : []),
        ...(destination ? ['--output', ...destination] : []),
        ...(push || destination ? [] : ['--load']),
        context,
      ],
      { SOURCE_DATE_EPOCH: '0' },
    );
  },
};

/** The first that is there. */
export const findEngine = (): EngineName | undefined => (['buildah', 'docker'] as const).find(isThere);

/** Runs a program, whose output is shown. @throws when it fails */
function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const env = { ...process.env, ...environment };
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2], env });
  if (error !== undefined) throw new Error(`${program} can't be run: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args[0]} failed.`);
}

function isThere(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
