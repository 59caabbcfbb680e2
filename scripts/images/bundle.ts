import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { packageLicenses } from '../release/third-party-licenses.ts';
import { packageList } from './package-list.ts';

export interface BundleOptions {
  /** The repository. */
  readonly root: string;
  /** Where all of it is put. */
  readonly target: string;
  /** Where source maps are put; there are none when left out. */
  readonly sourceMaps?: string;
}

/**
 * Bundles the programs of the cluster edition into `target/bundle`, each loading only the pieces that it uses, with the database's
 * migrations beside them, and what it is made of: LICENSES, packages.cdx.json.
 */
export async function bundleComponents({ root, target, sourceMaps }: BundleOptions): Promise<Metafile> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { main: join(root, 'packages/cluster/src/main.ts') },
    // Never written to: names and source maps depend on where the files lie.
    outdir: join(root, 'out/bundle'),
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay: a stack in a log line says where it was.
    keepNames: true,
    legalComments: 'none',
    sourcemap: 'external',
    metafile: true,
    // Optional parts of pg and prom-client that are not here.
    external: ['pg-native', 'pg-cloudflare'],
    // In the older format, a module that is loaded later would have no exports by name.
    alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
    // Packages in the older format ask for their pieces by require.
    banner: {
      js: "import { createRequire as knitCreateRequire } from 'node:module'; const require = knitCreateRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  // Maps are several times as large as the code, and nothing in the image reads them.
  for (const { path, contents } of outputFiles) {
    const directory = path.endsWith('.map') ? sourceMaps : join(target, 'bundle');
    if (directory === undefined) continue;
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, basename(path)), contents);
  }
  await cp(join(root, 'packages/store/migrations'), join(target, 'migrations'), { recursive: true });
  const modules = Object.keys(metafile.inputs);
  await writeFile(join(target, 'LICENSES'), await packageLicenses(modules));
  await writeFile(join(target, 'packages.cdx.json'), await packageList(root, modules));
  return metafile;
}
