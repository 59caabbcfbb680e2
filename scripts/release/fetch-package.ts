import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { extract } from 'tar';
import type { Package } from './targets.ts';

const cache = fileURLToPath(new URL('../../node_modules/.cache/knit-release/', import.meta.url));

/**
 * Gets a package from the npm registry, with npm's own settings (registry, proxy), once.
 * @returns the directory that holds its files
 * @throws when the registry can't be reached, or what it has is not what is pinned
 */
export async function fetchPackage({ name, version, integrity }: Package): Promise<string> {
  const directory = join(cache, `${name.replace('/', '-')}-${version}`);
  if (await stat(directory).catch(() => undefined)) return directory;
  console.error(`getting ${name}@${version} …`);
  await mkdir(cache, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = ['--json', '--loglevel=error', '--pack-destination', cache];
  const { stdout } = await promisify(execFile)(npm, ['pack', `${name}@${version}`, ...options], {
    shell: process.platform === 'win32',
  });
  const packed: { filename: string } | undefined = Object.values(JSON.parse(stdout) as object)[0];
  const archive = join(cache, packed?.filename.replace('@', '').replace('/', '-') ?? '');
  checkIntegrity(await readFile(archive), { name, version, integrity });
  const unfinished = `${directory}.unfinished-${process.pid}`;
  await mkdir(unfinished);
  await extract({ file: archive, cwd: unfinished, strip: 1, strict: true });
  await rename(unfinished, directory);
  await rm(archive);
  return directory;
}

function checkIntegrity(archive: Buffer, { name, version, integrity }: Package): void {
  const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  if (found === integrity) return;
  throw new Error(`${name}@${version} is not the package that is pinned: ${found} instead of ${integrity}`);
}
