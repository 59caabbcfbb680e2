import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Invalid, NotFound } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archive, entry, inChunks, pax, record } from '../../archive/test/tar-blocks.ts';
import { readImage } from '../src/image-archive/read-image.ts';
import { dockerArchive, named, OciArchive } from './image-archives.ts';

const read = (bytes: Buffer, wanted?: string, chunk = 777) => readImage(inChunks(bytes, chunk), wanted);
const train = { Entrypoint: ['python3', 'train.py'], Cmd: ['--in', '/in/1'], Volumes: { '/out': {} } };
const configuration = { entrypoint: ['python3', 'train.py'], command: ['--in', '/in/1'], volumes: ['/out'] };
const none = { entrypoint: [], command: [], volumes: [] };
const own = process.arch === 'x64' ? 'amd64' : process.arch;

describe('an archive of docker save', () => {
  it('gives the only image, with its name', async () => {
    expect(await read(dockerArchive({ 'repo/train:v1': train }))).toEqual({
      image: 'repo/train:v1',
      configuration,
    });
  });

  it('may be an OCI layout with a manifest.json', async () => {
    const oci = new OciArchive();
    const config = oci.blob({ os: 'linux', architecture: 'amd64', config: train });
    const manifest = oci.blob({ schemaVersion: 2, config, layers: [] });
    oci.add(manifest, { 'io.containerd.image.name': 'docker.io/repo/train:v1', ...named('v1') });
    const path = config.digest.replace('sha256:', 'blobs/sha256/');
    oci.file('manifest.json', JSON.stringify([{ Config: path, RepoTags: ['repo/train:v1'], Layers: [] }]));
    expect(await read(oci.build())).toEqual({ image: 'repo/train:v1', configuration });
  });

  it('is read in whatever pieces it comes, gzipped and with zstd, too', async () => {
    const bytes = dockerArchive({ 'repo/train:v1': train });
    for (const chunk of [1, 512, 100_000])
      expect((await read(bytes, undefined, chunk)).configuration).toEqual(configuration);
    for (const packed of [gzipSync(bytes), zstdCompressSync(bytes)])
      expect((await read(packed, undefined, 100)).configuration).toEqual(configuration);
  });

  it('with several images gives the one that is named, by its short name, too', async () => {
    const several = dockerArchive({ 'repo/train:v1': train, 'localhost/prep:v2': {}, 'prep:latest': {} });
    expect(await read(several, 'repo/train:v1')).toEqual({ image: 'repo/train:v1', configuration });
    expect(await read(several, 'prep:v2')).toEqual({ image: 'prep:v2', configuration: none });
    expect((await read(several, 'docker.io/library/prep')).configuration).toEqual(none);
  });

  it('with several images lists them when none, or none of them, is named', async () => {
    const several = dockerArchive({ 'repo/train:v1': train, 'localhost/train:v1': {} });
    const list = '  repo/train:v1\n  localhost/train:v1';
    for (const wanted of [undefined, 'train:v1']) {
      const failure = await read(several, wanted).catch((error) => error);
      expect(failure).toBeInstanceOf(Invalid);
      expect(failure.advice).toContain(list);
    }
    const failure = await read(several, 'train:v2').catch((error) => error);
    expect(failure).toBeInstanceOf(NotFound);
    expect(failure.message).toContain(`no image train:v2\nIt holds:\n${list}`);
  });

  it('gives an image with several names the one that says most, and one without a name that which is given', async () => {
    expect((await read(dockerArchive({ 'train:latest train:v1': train }))).image).toBe('train:v1');
    expect(await read(dockerArchive({ '': train }))).toEqual({ configuration });
    expect((await read(dockerArchive({ '': train }), 'train:v7')).image).toBe('train:v7');
  });
});

describe('an archive of the OCI layout', () => {
  it('gives the only image, named or not', async () => {
    const oci = new OciArchive();
    expect(await read(oci.add(oci.manifest(train), named('repo/train:v1')).build())).toEqual({
      image: 'repo/train:v1',
      configuration,
    });
    const nameless = new OciArchive();
    expect(await read(nameless.add(nameless.manifest(train)).build())).toEqual({ configuration });
  });

  it('whose images are named by tags alone is asked for by the tag', async () => {
    const oci = new OciArchive();
    oci.add(oci.manifest(train), named('v1')).add(oci.manifest({}), named('v2'));
    expect(await read(oci.build(), 'repo/train:v1')).toEqual({ image: 'repo/train:v1', configuration });
    const one = new OciArchive();
    expect(await read(one.add(one.manifest(train), named('v1')).build())).toEqual({ configuration });
  });

  it('with several platforms gives the one of this machine, else linux/amd64', async () => {
    const mine = new OciArchive();
    mine.add(mine.platforms({ s390x: {}, [own]: train, riscv64: {} }), named('train:v1'));
    expect((await read(mine.build())).configuration).toEqual(configuration);
    const amd64 = new OciArchive();
    amd64.add(amd64.platforms({ s390x: {}, amd64: train }), named('train:v1'));
    expect((await read(amd64.build())).configuration).toEqual(configuration);
    const strange = new OciArchive();
    strange.add(strange.platforms({ s390x: {}, riscv64: train }), named('train:v1'));
    await expect(read(strange.build())).rejects.toThrow(/linux\/s390x, linux\/riscv64.*--platform/s);
  });

  it('passes over platforms that were not saved, and statements about how it was built', async () => {
    const oci = new OciArchive();
    const index = {
      manifests: [
        { digest: `sha256:${'0'.repeat(64)}`, platform: { os: 'linux', architecture: 'amd64' } },
        { ...oci.manifest(train, 's390x'), platform: { os: 'linux', architecture: 's390x' } },
        { ...oci.blob({ config: {} }), platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    };
    expect((await read(oci.add(oci.blob(index), named('train:v1')).build())).configuration).toEqual(
      configuration,
    );
  });

  it('whose names no Plan can have is as good as one without names', async () => {
    for (const name of ['train@sha256:abc', '\u001b]0;x\u0007:v1', 'Train:v1']) {
      const oci = new OciArchive();
      expect(await read(oci.add(oci.manifest(train), named(name)).build())).toEqual({ configuration });
    }
  });

  it('may name one image twice', async () => {
    const oci = new OciArchive();
    const manifest = oci.manifest(train);
    oci.add(manifest, named('train:latest')).add(manifest, named('train:v1'));
    expect((await read(oci.build())).image).toBe('train:v1');
  });
});

describe('what is no image archive, or a hostile one, is refused with a reason', () => {
  const oci = () => {
    const archive = new OciArchive();
    const manifest = archive.manifest(train);
    return {
      archive: archive.add(manifest, named('a:b')),
      blob: manifest.digest.replace('sha256:', 'blobs/sha256/'),
    };
  };
  const docker = (manifest: unknown, ...others: Buffer[]) =>
    archive(
      ...others,
      entry({
        name: 'manifest.json',
        content: typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
      }),
    );
  const whole = dockerArchive({ 'a:b': train });

  it.each<[string, Buffer, RegExp]>([
    ['text', Buffer.from('FROM scratch\n'.repeat(200)), /no tar archive/],
    ['a few bytes', Buffer.from('hello'), /no tar archive/],
    [
      'the tree of a container',
      archive(entry({ name: 'etc/passwd', content: 'root' })),
      /neither manifest.json nor index.json/,
    ],
    ['an archive that is cut off', whole.subarray(0, 22_000), /damaged|neither/],
    ['a gzip stream that is cut off', gzipSync(whole).subarray(0, 200), /gzip stream is cut off/],
    [
      'a zstd stream that is cut off',
      zstdCompressSync(whole).subarray(0, 200),
      /zstd stream is damaged or cut off/,
    ],
    [
      'a damaged gzip stream',
      Buffer.concat([gzipSync(whole).subarray(0, 100), Buffer.alloc(500, 7)]),
      /gzip stream is/,
    ],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0]), /compressed with xz/],
    [
      'a header with the wrong checksum',
      archive(entry({ checksumError: 1 })),
      /no tar archive, or it is damaged/,
    ],
    ['no images', docker([]), /holds no image/],
    ['a manifest that is no JSON', docker('[{'), /manifest.json is not JSON/],
    ['a manifest of the wrong type', docker({ Config: 'x' }), /manifest.json: the input must be a list/],
    ['fields of the wrong type', docker([{ Config: 7 }]), /manifest.json: \[0\].Config must be text/],
    ['a missing configuration', docker([{ Config: 'gone.json' }]), /lacks gone.json/],
    [
      'a configuration that leads elsewhere',
      docker([{ Config: '../../etc/passwd' }]),
      /lacks ..\/..\/etc\/passwd/,
    ],
    [
      'a configuration of the wrong type',
      docker([{ Config: 'c.json' }], entry({ name: 'c.json', content: '{"config":{"Cmd":"sh -c x"}}' })),
      /c.json: config.Cmd must be a list, not text/,
    ],
    [
      'a configuration that has another digest',
      docker(
        [{ Config: `${'a'.repeat(64)}.json` }],
        entry({ name: `${'a'.repeat(64)}.json`, content: '{}' }),
      ),
      /has the digest 44136fa/,
    ],
    [
      'a blob that is missing',
      (({ archive, blob }) => archive.without(blob).build())(oci()),
      /lacks blobs\/sha256\/[0-9a-f]{64}/,
    ],
    [
      'a blob that has another digest',
      (({ archive, blob }) => archive.file(blob, '{"config":{}}').build())(oci()),
      /damaged: blobs\/sha256/,
    ],
    [
      'a digest of another kind',
      new OciArchive().add({ digest: 'md5:../../etc/passwd' }).build(),
      /no SHA-256/,
    ],
    ['a huge manifest', docker(' '.repeat(5_000_000)), /manifest.json has 5000000 bytes/],
    [
      'a document that is there twice',
      docker([], entry({ name: 'manifest.json', content: '[ ]' })),
      /"manifest.json" twice/,
    ],
    ['deep nesting', docker('['.repeat(2_000_000)), /manifest.json is not JSON|nested/],
    ['deep nesting that is well-formed', docker('['.repeat(500_000) + ']'.repeat(500_000)), /manifest.json/],
    [
      'more documents than any image has',
      archive(
        ...Array.from({ length: 20 }, (_, i) =>
          entry({ name: `${i}`, content: `[${' '.repeat(4_000_000)}]` }),
        ),
      ),
      /more than 67108864 bytes/,
    ],
    [
      'a huge extended header',
      archive(pax([record('comment', 'x'.repeat(2_000_000))]), entry({})),
      /neither manifest.json/,
    ],
  ])('%s', async (_, bytes, reason) => {
    const failure = await read(bytes, undefined, 65_536).catch((error) => error);
    expect(failure.message).toMatch(reason);
    expect(failure instanceof Invalid || failure instanceof NotFound).toBe(true);
  });

  it('indexes that refer to each other many times over', async () => {
    const archive = new OciArchive();
    let level = archive.manifest(train);
    for (let i = 0; i < 20; i++) level = archive.blob({ manifests: Array(20).fill(level) });
    await expect(read(archive.add(level).build())).rejects.toThrow('more than 10000 manifests');
  });

  it('whatever bytes were changed or cut off', async () => {
    const sources = [whole, (({ archive }) => archive.build())(oci()), gzipSync(whole)];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sources),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        fc.option(fc.nat(), { nil: undefined }),
        async (source, changes, cut) => {
          const bytes = Buffer.from(source);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const given = cut === undefined ? bytes : bytes.subarray(0, cut % bytes.length);
          const outcome = await read(given, undefined, 4096).catch((error) => error);
          const isRefusal = outcome instanceof Invalid || outcome instanceof NotFound;
          expect(isRefusal || 'configuration' in outcome).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a layer of any size', () => {
  it('is passed over without being held', async () => {
    const size = 1024 * 1024;
    const pieces = 1024;
    async function* large(): AsyncGenerator<Buffer, void> {
      yield entry({ name: 'abc/layer.tar', size: pieces * size });
      for (let i = 0; i < pieces; i++) yield Buffer.alloc(size, i);
      yield dockerArchive({ 'a:b': train });
    }
    const before = process.memoryUsage().rss;
    expect((await readImage(large(), undefined)).configuration).toEqual(configuration);
    expect(process.memoryUsage().rss - before).toBeLessThan((pieces * size) / 2);
  });
});
