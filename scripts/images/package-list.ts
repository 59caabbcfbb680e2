import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageOf } from '../release/third-party-licenses.ts';

/**
 * The packages that modules belong to, for programs that look for known weaknesses: bundled, they can't find them by themselves.
 * @returns CycloneDX 1.6, as JSON
 */
export async function packageList(root: string, modules: readonly string[]): Promise<string> {
  const directories = new Set(modules.map(packageOf).filter((each) => each !== undefined));
  const components = await Promise.all(
    [...directories].sort().map((directory) => component(root, directory)),
  );
  return `${JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components }, undefined, 1)}\n`;
}

async function component(root: string, directory: string) {
  const manifest = JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8'));
  const { name, version, license } = manifest as { name: string; version: string; license?: string };
  // Package URL: the scope's @ is percent-encoded.
  const purl = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license && { licenses: [{ expression: license }] }),
  };
}
