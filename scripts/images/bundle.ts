import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles the programs of the cluster edition into `target/bundle`, each loading only the pieces that it uses, with the database's
 * migrations beside them.
 */
export async function bundleComponents(root: string, target: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { main: join(root, 'packages/cluster/src/main.ts') },
    outdir: join(target, 'bundle'),
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
    // Optional parts of pg and prom-client that are not here.
    external: ['pg-native', 'pg-cloudflare'],
    // Packages in the older format ask for their pieces by require.
    banner: {
      js: "import { createRequire as knitCreateRequire } from 'node:module'; const require = knitCreateRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  await cp(join(root, 'packages/store/migrations'), join(target, 'migrations'), { recursive: true });
}
