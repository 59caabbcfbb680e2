import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where the released command starts. */
const entry = 'packages/cli/bin/executable.ts';

const bundling = ['--target=bun', '--format=esm', '--splitting', '--minify'];

/** The command's code as Bun reads it from inside the executable. */
const compiling = [
  ...['--compile', '--format=esm', '--splitting', '--minify'],
  // Compiled ahead, the code starts in half the time.
  '--bytecode',
  // All modules lie in one folder `src`, so that what they read from `../NAME/` is the embedded folder NAME.
  '--chunk-naming=src/[name]-[hash].[ext]',
  // Where the command runs, such files are the user's own business.
  ...['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
];

export interface Executable {
  /** The Bun that compiles. */
  readonly bun: string;
  /** The platform that it is for: `linux-x64` */
  readonly platform: string;
  /** The Bun that the executable is made of, for that platform. */
  readonly runtime: string;
  /** Folders that the code reads at run time, embedded under their own names. */
  readonly folders: readonly string[];
  readonly file: string;
}

/** Makes an executable: the runtime, with the bundled command inside. */
export async function compile({ bun, platform, runtime, folders, file }: Executable): Promise<void> {
  const assets = folders.map((folder) => `--asset=${resolve(folder)}`);
  await run(bun, [
    'build',
    ...compiling,
    `--target=bun-${platform}`,
    `--compile-executable-path=${runtime}`,
    ...assets,
    join(root, entry),
    `--outfile=${resolve(file)}`,
  ]);
}

/**
 * What the bundle is made of.
 * @returns paths of modules, relative to the repository
 */
export async function modulesOf(bun: string, scratch: string): Promise<string[]> {
  const metafile = join(scratch, 'modules.json');
  const outputs = join(scratch, 'bundle');
  await run(bun, ['build', ...bundling, entry, `--outdir=${outputs}`, `--metafile=${metafile}`]);
  const { inputs } = (await import(metafile, { with: { type: 'json' } })).default as { inputs: object };
  return Object.keys(inputs);
}

async function run(bun: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(bun, args, { cwd: root }).catch((error: Error & { stderr?: string }) => {
    throw new Error(`${bun} ${args.join(' ')}\n${error.stderr || error.message}`);
  });
}
