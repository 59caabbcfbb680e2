// npm run images [-- [--repository R] [--tag T] [--engine buildah|docker] [--platform P,P] [--push] [--pull]]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { bundleComponents } from './images/bundle.ts';

const usage = `Usage: npm run images -- [options]

  --repository R     where the images belong (ghcr.io/opst/knitfab)
  --tag T            their tag (v${manifest.version})
  --engine E         buildah or docker; the first that is there
  --platform P[,P]   such as linux/amd64,linux/arm64; this machine's by default
  --base IMAGE       the image to build from, such as one named by its digest for a release
  --pull             pull the image to build from even when it is there
  --push             push what was built
  --only NAME[,NAME] knitfab, nfs-server; knitfab by default

Example: npm run images -- --repository registry.example.com/knitfab --push`;

const { values } = parseArgs({
  options: {
    repository: { type: 'string', default: 'ghcr.io/opst/knitfab' },
    tag: { type: 'string', default: `v${manifest.version}` },
    engine: { type: 'string' },
    platform: { type: 'string' },
    base: { type: 'string' },
    only: { type: 'string', default: 'knitfab' },
    pull: { type: 'boolean', default: false },
    push: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const engine = values.engine ?? ['buildah', 'docker'].find(isThere);
if (engine !== 'buildah' && engine !== 'docker') {
  fail(
    'Images are built with buildah or docker, and neither is there. Install one (Debian: apt install buildah).',
  );
}

/** The images, and the folder that each is built from. */
const images: Record<string, () => Promise<string>> = {
  knitfab: async () => {
    const context = await mkdtemp(join(tmpdir(), 'knit-image-'));
    await cp(join(root, 'images/Dockerfile'), join(context, 'Dockerfile'));
    await bundleComponents(root, join(context, 'app'));
    return context;
  },
  'nfs-server': async () => {
    const context = await mkdtemp(join(tmpdir(), 'knit-image-'));
    await cp(join(root, 'images/nfs-server'), context, { recursive: true });
    return context;
  },
};

for (const name of values.only.split(',')) {
  const prepare =
    images[name] ?? fail(`There is no image ${name}. There are: ${Object.keys(images).join(', ')}`);
  const image = `${values.repository}/${name}:${values.tag}`;
  const context = await prepare();
  try {
    build(image, context);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
  console.log(image);
}

function build(image: string, context: string): void {
  const options = [
    ...(values.platform === undefined ? [] : [`--platform=${values.platform}`]),
    `--build-arg=VERSION=${values.tag}`,
    ...(values.base === undefined ? [] : [`--build-arg=BASE=${values.base}`]),
  ];
  if (engine === 'buildah') {
    // A list of images where there are several platforms; an image by itself otherwise.
    const target = values.platform?.includes(',') ? [`--manifest=${image}`] : [`--tag=${image}`];
    // One layer for what is ours, and times that say nothing: the same sources give the same image.
    const pull = values.pull ? '--pull=always' : '--pull=missing';
    run('buildah', ['build', pull, '--network=host', '--timestamp=0', ...target, ...options, context]);
    if (values.push) {
      run(
        'buildah',
        values.platform?.includes(',')
          ? ['manifest', 'push', '--all', image, `docker://${image}`]
          : ['push', image],
      );
    }
    return;
  }
  const pull = values.pull ? ['--pull'] : [];
  run('docker', [
    'buildx',
    'build',
    ...pull,
    `--tag=${image}`,
    ...options,
    values.push ? '--push' : '--load',
    context,
  ]);
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (error !== undefined) fail(`${program} can't be run: ${error.message}`);
  if (status !== 0) fail(`${program} ${args[0]} failed.`);
}

function isThere(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
