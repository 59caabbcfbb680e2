// npm run images [-- options]
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { bundleComponents } from './images/bundle.ts';
import { engines, findEngine } from './images/engines.ts';
import { pinned } from './images/pin.ts';

const usage = `Usage: npm run images -- [options]

  --repository R     where the images belong (ghcr.io/opst/knitfab)
  --tag T            their tag (v${manifest.version})
  --only NAME[,NAME] knitfab, nfs-server (knitfab)
  --engine E         buildah or docker (the first that is there)
  --platform P[,P]   such as linux/amd64,linux/arm64 (this machine's)
  --pin              name the images to build from by their digests, as a release does; needs skopeo
  --base IMAGE       build knitfab from this image (docker.io/library/node:24-bookworm-slim)
  --pull             pull the images to build from even when they are there
  --push             push what was built
  --output FILE      write what was built to an archive
  --source-maps DIR  write the source maps of the programs there: the image has none
  -h, --help

Example: npm run images -- --repository registry.example.com/knitfab --push`;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    repository: { type: 'string', default: 'ghcr.io/opst/knitfab' },
    tag: { type: 'string', default: `v${manifest.version}` },
    only: { type: 'string', default: 'knitfab' },
    engine: { type: 'string' },
    platform: { type: 'string' },
    pin: { type: 'boolean', default: false },
    base: { type: 'string', default: 'docker.io/library/node:24-bookworm-slim' },
    pull: { type: 'boolean', default: false },
    push: { type: 'boolean', default: false },
    output: { type: 'string' },
    'source-maps': { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** The images: what is put beside their Dockerfiles, and what these are given. */
const images: Record<string, (context: string) => Promise<Record<string, string>>> = {
  async knitfab(context) {
    await cp(join(root, 'images/Dockerfile'), join(context, 'Dockerfile'));
    const sourceMaps = values['source-maps'] && resolve(values['source-maps']);
    await bundleComponents({ root, target: join(context, 'app'), ...(sourceMaps && { sourceMaps }) });
    const busybox = 'docker.io/library/busybox:1';
    return values.pin
      ? { BASE: pinned(values.base), BUSYBOX: pinned(busybox) }
      : { BASE: values.base, BUSYBOX: busybox };
  },
  async 'nfs-server'(context) {
    await cp(join(root, 'images/nfs-server'), context, { recursive: true });
    return {};
  },
};

async function main(): Promise<void> {
  if (values.help) {
    console.log(usage);
    return;
  }
  const engine = values.engine ?? findEngine();
  if (engine !== 'buildah' && engine !== 'docker')
    throw new Error(
      'Images are built with buildah or docker, and neither is there. Install one (Debian: apt install buildah).',
    );
  const names = values.only.split(',');
  const unknown = names.find((name) => !Object.hasOwn(images, name));
  if (unknown !== undefined)
    throw new Error(`There is no image ${unknown}. There are: ${Object.keys(images).join(', ')}.`);
  if (values.output !== undefined && names.length > 1)
    throw new Error('--output takes one image: name it with --only.');
  for (const name of names) {
    const image = `${values.repository}/${name}:${values.tag}`;
    const context = await mkdtemp(join(tmpdir(), 'knit-image-'));
    try {
      const given = await images[name]?.(context);
      engines[engine]({
        image,
        context,
        arguments: { VERSION: values.tag, REVISION: revision(), ...given },
        platforms: values.platform?.split(',') ?? [],
        pull: values.pull,
        push: values.push,
        ...(values.output !== undefined && { output: resolve(values.output) }),
      });
    } finally {
      await rm(context, { recursive: true, force: true });
    }
    console.log(image);
  }
}

/** The commit that the sources are of; nothing where they are changed, or not kept in git. */
function revision(): string {
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', root, ...args])
      .stdout?.toString()
      .trim() ?? '';
  return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD') : '';
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
