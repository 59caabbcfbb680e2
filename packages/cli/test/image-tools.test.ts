import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inChunks } from '../../archive/test/tar-blocks.ts';
import { readImage } from '../src/image-archive/read-image.ts';
import { Home } from './knit.ts';

// Archives that real tools write. Where the tools are missing (Debian: buildah, podman, skopeo), the tests are skipped and
// shown as such; image-archive.test.ts reads small ones made by hand everywhere.

const missing = ['buildah', 'podman', 'skopeo', 'gzip', 'zstd'].filter(
  (tool) => spawnSync(tool, ['--version']).status !== 0,
);
const why = missing.length > 0 ? ` (skipped: ${missing.join(', ')} not installed)` : '';

let directory: string;
let home: Home;
const path = (name: string) => join(directory, name);

/** Runs a tool with a storage of its own. */
function run(tool: 'buildah' | 'podman' | 'skopeo' | 'gzip' | 'zstd', ...args: string[]): string {
  const storage = ['--root', path('storage'), '--runroot', path('run'), '--storage-driver', 'vfs'];
  const options = tool === 'buildah' || tool === 'podman' ? storage : [];
  return execFileSync(tool, [...options, ...args], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const build = (name: string, containerfile: string, ...options: string[]) => {
  writeFileSync(path('Containerfile'), containerfile);
  run('buildah', 'build', '-q', '--isolation', 'chroot', ...options, '-t', name, '.');
};

const copy = (from: string, to: string, ...options: string[]) =>
  run('skopeo', 'copy', '-q', '--insecure-policy', ...options, from, to);

const train = `FROM scratch
COPY program /program
VOLUME /in/mails /cache
ENTRYPOINT ["/program", "--model=/out/model/model.bin"]
CMD ["--epochs", "10"]
`;
const configuration = {
  entrypoint: ['/program', '--model=/out/model/model.bin'],
  command: ['--epochs', '10'],
  volumes: ['/cache', '/in/mails'],
};

const read = async (file: string, wanted?: string) => {
  const image = await readImage(inChunks(readFileSync(path(file))), wanted);
  return {
    ...image,
    configuration: { ...image.configuration, volumes: [...image.configuration.volumes].sort() },
  };
};

describe.skipIf(missing.length > 0)(`archives of real tools${why}`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'knit-images-'));
    home = await Home.create();
    writeFileSync(path('program'), '#!/bin/sh\n');
    build('localhost/train:v1', train);
    build('localhost/prep:v2', 'FROM scratch\nCOPY program /\nCMD ["/program", "/in/raw", "/out/clean"]\n');
    run('podman', 'save', '-o', 'podman-docker.tar', 'localhost/train:v1');
    run('podman', 'save', '--format', 'oci-archive', '-o', 'podman-oci.tar', 'localhost/train:v1');
    run('podman', 'save', '-m', '-o', 'several.tar', 'localhost/train:v1', 'localhost/prep:v2');
    run('buildah', 'push', '-q', 'localhost/train:v1', 'oci-archive:buildah-oci.tar');
    run('buildah', 'push', '-q', 'localhost/train:v1', 'docker-archive:buildah-docker.tar:train:v1');
    copy(
      'docker-archive:podman-docker.tar',
      'docker-archive:skopeo-docker.tar:registry.example.com:5000/team/train:v1',
    );
    copy(
      'docker-archive:podman-docker.tar',
      'oci-archive:skopeo-oci.tar:registry.example.com:5000/team/train:v1',
    );
    run('gzip', '-k', 'podman-docker.tar');
    run('zstd', '-q', 'skopeo-oci.tar');
  });

  afterAll(async () => {
    // The files belong to the users of the images; the storage has mounts of its own to take down.
    spawnSync('buildah', [
      '--root',
      path('storage'),
      '--runroot',
      path('run'),
      '--storage-driver',
      'vfs',
      'rmi',
      '-a',
      '-f',
    ]);
    rmSync(directory, { recursive: true, force: true });
    await home.remove();
  });

  it.each([
    ['podman-docker.tar', 'localhost/train:v1'],
    ['podman-docker.tar.gz', 'localhost/train:v1'],
    ['podman-oci.tar', 'localhost/train:v1'],
    ['buildah-docker.tar', 'docker.io/library/train:v1'],
    ['buildah-oci.tar', undefined],
    ['skopeo-docker.tar', 'registry.example.com:5000/team/train:v1'],
    ['skopeo-oci.tar', 'registry.example.com:5000/team/train:v1'],
    ['skopeo-oci.tar.zst', 'registry.example.com:5000/team/train:v1'],
  ])('%s is understood', async (file, image) => {
    expect(await read(file)).toEqual({ ...(image && { image }), configuration });
  });

  it('of several images, the one that is named', async () => {
    expect((await read('several.tar', 'train:v1')).configuration).toEqual(configuration);
    expect((await read('several.tar', 'localhost/prep:v2')).configuration.command).toEqual([
      '/program',
      '/in/raw',
      '/out/clean',
    ]);
    await expect(read('several.tar')).rejects.toThrow(/2 images[\s\S]*localhost\/prep:v2/);
  });

  it('of several platforms, the one of this machine', async () => {
    run('buildah', 'manifest', 'create', 'localhost/multi:v1');
    for (const architecture of ['s390x', 'amd64', 'arm64']) {
      build(
        `localhost/${architecture}:v1`,
        `FROM scratch\nCMD ["/program", "/in/${architecture}"]\n`,
        '--arch',
        architecture,
      );
      run(
        'buildah',
        'manifest',
        'add',
        'localhost/multi:v1',
        `containers-storage:localhost/${architecture}:v1`,
      );
    }
    run(
      'buildah',
      'manifest',
      'push',
      '-q',
      '--all',
      'localhost/multi:v1',
      'oci-archive:multi.tar:localhost/multi:v1',
    );
    const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
    expect((await read('multi.tar')).configuration.command).toEqual(['/program', `/in/${own}`]);
  });

  it('make templates from a file and from stdin', async () => {
    const file = await home.knit(['plan', 'template', '--input', path('podman-docker.tar')]);
    expect(file).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('read the image localhost/train:v1'),
    });
    const piped = await home.knit(['plan', 'template'], {
      input: readFileSync(path('podman-docker.tar.gz')),
    });
    expect(piped.stdout).toBe(file.stdout);
    for (const text of [
      '"localhost/train:v1"',
      '"/in/mails"',
      '"type:mails"',
      '"/out/model"',
      '"--epochs", "10"',
    ])
      expect(file.stdout).toContain(text);
    expect(file.stdout).not.toContain('/cache');
  });
});
