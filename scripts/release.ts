// npm run release [-- [--target NAME[,NAME]] [--output DIRECTORY]]: the command as one executable file for each platform.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile, modulesOf } from './release/bundle.ts';
import { platformOf } from './release/executable-format.ts';
import { fetchPackage } from './release/fetch-package.ts';
import { archivePostgresql } from './release/postgresql.ts';
import { signMachO } from './release/sign-mach-o.ts';
import { bunVersion, ownTarget, type Target, targets } from './release/targets.ts';
import { thirdPartyLicenses } from './release/third-party-licenses.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    output: { type: 'string', default: 'dist' },
  },
});
const wanted = chosenTargets(values.target);
const own = ownTarget();
if (own === undefined) fail(`Releases can't be made on ${process.platform}-${process.arch}.`);
const migrations = fileURLToPath(new URL('../packages/store/migrations', import.meta.url));

await mkdir(values.output, { recursive: true });
const scratch = await mkdtemp(join(tmpdir(), 'knit-release-'));
try {
  const bun = await runtime(own);
  const modules = await modulesOf(bun, scratch);
  for (const target of wanted) await release(target, bun, modules);
  const lines = await Promise.all(wanted.map(({ file }) => checksum(file)));
  await writeFile(join(values.output, 'SHA256SUMS'), lines.join(''));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

function chosenTargets(names: string | undefined): readonly Target[] {
  if (names === undefined) return targets;
  return names.split(',').map((name) => {
    const target = targets.find((each) => each.name === name);
    return (
      target ?? fail(`There is no target ${name}. There are: ${targets.map((each) => each.name).join(', ')}`)
    );
  });
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

async function runtime(target: Target): Promise<string> {
  const program = target.name.startsWith('windows') ? 'bun.exe' : 'bun';
  return join(await fetchPackage(target.runtime), 'bin', program);
}

async function release(target: Target, bun: string, modules: readonly string[]): Promise<void> {
  const { name, postgresql } = target;
  const place = join(scratch, name);
  const folders = [migrations, join(place, 'licenses')];
  await mkdir(join(place, 'licenses'), { recursive: true });
  const licenses = await thirdPartyLicenses({
    modules,
    bunVersion,
    ...(postgresql && { postgresqlVersion: postgresql.version }),
  });
  await writeFile(join(place, 'licenses', 'third-party.txt'), licenses);
  if (postgresql !== undefined) {
    folders.push(join(place, 'postgresql'));
    await archivePostgresql(postgresql, join(place, 'postgresql'));
  }
  const file = join(values.output, target.file);
  await compile({ bun, platform: name, runtime: await runtime(target), folders, file });
  if (name === 'darwin-x64') await signMachO(file, 'knit');
  const platform = await platformOf(file);
  if (platform !== name) throw new Error(`${file} is an executable for ${platform}`);
  console.log(`${file}  ${Math.round((await stat(file)).size / 1e6)} MB`);
}

async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(values.output, file)), hash);
  return `${hash.digest('hex')}  ${file}\n`;
}
