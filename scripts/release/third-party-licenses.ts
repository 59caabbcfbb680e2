import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const notices = new URL('./notices/', import.meta.url);

export interface Contents {
  /** Paths of the modules that are bundled, relative to the repository. */
  readonly modules: readonly string[];
  readonly bunVersion: string;
  readonly postgresqlVersion?: string;
}

/** The licenses of all in an executable that is not ours: of the packages whose modules it holds, and of its programs. */
export async function thirdPartyLicenses(contents: Contents): Promise<string> {
  const sections = await packageNotices(contents.modules);
  const { bunVersion, postgresqlVersion } = contents;
  sections.push(section(`Bun ${bunVersion}`, await notice('bun.txt')));
  if (postgresqlVersion !== undefined) {
    sections.push(section(`PostgreSQL ${postgresqlVersion}`, await notice('postgresql.txt')));
  }
  return sections.join('\n');
}

/** The licenses of the packages that modules belong to. */
export async function packageLicenses(modules: readonly string[]): Promise<string> {
  return (await packageNotices(modules)).join('\n');
}

async function packageNotices(modules: readonly string[]): Promise<string[]> {
  const packages = new Set(modules.map(packageOf).filter((each) => each !== undefined));
  return await Promise.all([...packages].sort().map(packageNotice));
}

/** The directory of the package that a module belongs to; undefined for a module of our own. */
export function packageOf(module: string): string | undefined {
  return /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

/** @throws when the package says nothing of its license */
async function packageNotice(directory: string): Promise<string> {
  const path = join(root, directory);
  const { name, version, license }: Record<string, unknown> = JSON.parse(
    await readFile(join(path, 'package.json'), 'utf8'),
  );
  const files = (await readdir(path)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
  if (typeof license !== 'string' && texts.length === 0) throw new Error(`${directory} has no license`);
  return section(`${name} ${version} (${license ?? 'see below'})`, texts.join('\n'));
}

const notice = (file: string): Promise<string> => readFile(new URL(file, notices), 'utf8');

const section = (title: string, text: string): string =>
  `${'-'.repeat(80)}\n${title}\n\n${text.replaceAll('\r\n', '\n').trim()}\n`;
