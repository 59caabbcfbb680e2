import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import manifest from '../packages/cli/package.json' with { type: 'json' };
import { platformOf } from '../scripts/release/executable-format.ts';
import { signMachO } from '../scripts/release/sign-mach-o.ts';
import { ownTarget } from '../scripts/release/targets.ts';

const run = promisify(execFile);
const target = ownTarget();

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-release-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(target === undefined)('the released executable of this platform', () => {
  const file = target?.file ?? '';
  const executable = () => join(directory, file);
  beforeAll(async () => {
    const script = fileURLToPath(new URL('../scripts/release.ts', import.meta.url));
    await run(process.execPath, [script, '--target', target?.name ?? '', '--output', directory]);
  }, 180_000);

  test('is for this platform, has the version of the sources, and its checksum is written down', async () => {
    expect(await platformOf(executable())).toBe(target?.name);
    expect((await run(executable(), ['version'])).stdout).toBe(`${manifest.version}\n`);
    const digest = createHash('sha256').update(await readFile(executable()));
    expect(await readFile(join(directory, 'SHA256SUMS'), 'utf8')).toBe(`${digest.digest('hex')}  ${file}\n`);
  });

  test('shows the licenses of all that is in it', async () => {
    const { stdout } = await run(executable(), ['license']);
    for (const name of ['commander 15', 'zod 4', 'fastify 5', 'Bun 1', 'PostgreSQL 18'])
      expect(stdout).toContain(`\n${name}`);
  });

  test('is all that is needed: server, database and engine are inside', async () => {
    vi.stubEnv('KNIT', executable());
    const { KnitServer } = await import('./knit-server.ts');
    await using server = await KnitServer.start();
    const plan = await server.register({
      image: 'host:v1',
      entrypoint: ['sh', '-c', 'cat /in/data/*.ts > /out/copy'],
      inputs: [{ path: '/in/data', tags: ['type:released'] }],
      outputs: [{ path: '/out', tags: ['type:copy'] }],
    });
    const pushed = await server.knit(
      'data',
      'push',
      '-t',
      'type:released',
      fileURLToPath(new URL('../scripts/release', import.meta.url)),
    );
    expect(pushed).toMatchObject({ code: 0 });
    const [made] = await server.finished(plan, 1);
    expect(made?.status).toBe('done');
    const found = await server.knit('data', 'find', '-t', 'type:copy');
    const [{ knitId }] = JSON.parse(found.stdout);
    expect(await server.knit('data', 'pull', '-x', knitId, directory)).toMatchObject({ code: 0 });
    expect(await readFile(join(directory, knitId, 'copy'), 'utf8')).toContain('sha512-');
    vi.unstubAllEnvs();
  });
});

describe('what is made for other systems', () => {
  test('is told by its header', async () => {
    const windows = Buffer.alloc(4096);
    windows.write('MZ');
    windows.writeUInt32LE(0x80, 0x3c);
    windows.write('PE\0\0', 0x80);
    windows.writeUInt16LE(0xaa64, 0x84);
    await writeFile(join(directory, 'windows'), windows);
    expect(await platformOf(join(directory, 'windows'))).toBe('windows-arm64');
    await writeFile(join(directory, 'text'), '#!/bin/sh\n');
    expect(await platformOf(join(directory, 'text'))).toBeUndefined();
  });

  test('is signed for macOS: the hash of every page is in its signature', async () => {
    const file = join(directory, 'darwin');
    const program = machO({ text: 10_000, signature: 16 });
    await writeFile(file, program);
    await signMachO(file, 'knit');
    expect(await platformOf(file)).toBe('darwin-x64');
    const signed = await readFile(file);
    const signature = signed.subarray(10_000);
    expect(signature.readUInt32BE(4)).toBe(signature.length);
    const hashes = signature.subarray(20 + signature.readUInt32BE(20 + 16));
    const pages = [signed.subarray(0, 4096), signed.subarray(4096, 8192), signed.subarray(8192, 10_000)];
    const digests = pages.map((page) => createHash('sha256').update(page).digest());
    expect(hashes).toEqual(Buffer.concat(digests));
  });
});

/** A program for macOS in which all is zero but what a signature has to do with. */
function machO({ text, signature }: { text: number; signature: number }): Buffer {
  const program = Buffer.alloc(text + signature);
  const commands = 32;
  program.writeUInt32LE(0xfeedfacf, 0);
  program.writeUInt32LE(0x01000007, 4);
  program.writeUInt32LE(3, 16);
  for (const [index, name] of ['__TEXT', '__LINKEDIT'].entries()) {
    const command = commands + index * 72;
    program.writeUInt32LE(0x19, command);
    program.writeUInt32LE(72, command + 4);
    program.write(name, command + 8);
    program.writeBigUInt64LE(BigInt(index * (text - 100)), command + 40);
    program.writeBigUInt64LE(BigInt(index === 0 ? text - 100 : 100 + signature), command + 48);
  }
  const command = commands + 2 * 72;
  program.writeUInt32LE(0x1d, command);
  program.writeUInt32LE(16, command + 4);
  program.writeUInt32LE(text, command + 8);
  program.writeUInt32LE(signature, command + 12);
  return program;
}
