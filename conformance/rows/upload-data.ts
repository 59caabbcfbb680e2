import { filesOf, gzippedTar } from '../archive.ts';
import { expectEqual, expectMatch, expectShape, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { dataDetail } from '../shapes.ts';
import { md5 } from '../wire.ts';
import { userTags } from '../world.ts';
import { foundData, query } from './found-data.ts';

export const uploadData: Row = {
  name: 'POST /api/data/',
  checks: {
    'makes a Data of a chunked stream with an unannounced MD5 trailer': async (world) => {
      const { knitId, tags, upstream, downstreams, nomination } = await world.upload();
      expectEqual(tags[0], `knit#id:${knitId}`, 'first tag');
      expectMatch(tags[1], /^knit#timestamp:\d{4}-.*[+-]\d{2}:\d{2}$/, 'second tag');
      expectEqual(tags.length, 2, 'number of tags');
      expectEqual(upstream.mountpoint, { path: '/upload', tags: [] }, 'upstream.mountpoint');
      expectEqual(
        [upstream.run.status, upstream.run.plan.name, upstream.run.exit],
        ['done', 'knit#uploaded', undefined],
        'status, name of the Plan and exit of the upstream Run',
      );
      expectEqual([downstreams, nomination], [[], []], 'downstreams and nomination');
    },
    'needs no trailer, takes Content-Length in place of chunks, and many small chunks': async (world) => {
      const archive = gzippedTar({ 'file.txt': 'content\n' });
      const headers = { 'content-type': 'application/tar+gzip' };
      const bytes = Array.from({ length: archive.length }, (_, at) => archive.subarray(at, at + 1));
      for (const sent of [
        { body: archive, headers, chunked: true },
        { body: archive, headers },
        { body: bytes, headers, trailers: { 'X-Checksum-MD5': md5(archive).toUpperCase() } },
      ]) {
        world.remember(
          expectShape(await world.wire.send('POST', '/api/data/', sent), dataDetail, 'POST /api/data/'),
        );
      }
    },
    'takes an empty tree': async (world) => {
      const { knitId } = await world.upload({});
      expectStatus(await world.wire.get(`/api/data/${knitId}`), 200, 'download of an empty tree');
    },
    'refuses a wrong checksum, a stream that is cut off, and what is no archive; nothing is made of them':
      async (world) => {
        const name = `${world.mark}.txt`;
        const archive = gzippedTar({ [name]: 'refused\n' });
        const headers = { 'content-type': 'application/tar+gzip' };
        const wrong = { 'x-checksum-md5': md5(Buffer.from('another')) };
        const before = new Date(Date.now() - 60_000).toISOString();
        expectStatus(
          await world.wire.send('POST', '/api/data', { body: archive, headers, trailers: wrong }),
          400,
          'wrong checksum',
        );
        const cut = archive.subarray(0, archive.length - 12);
        expectStatus(
          await world.wire.send('POST', '/api/data', {
            body: cut,
            headers,
            trailers: { 'x-checksum-md5': md5(cut) },
          }),
          400,
          'archive cut off',
        );
        expectStatus(
          await world.wire.send('POST', '/api/data', { body: 'no archive', headers, chunked: true }),
          400,
          'no archive',
        );
        await world.wire.raw(
          Buffer.concat([
            Buffer.from(
              `POST /api/data HTTP/1.1\r\nHost: ${world.wire.host}\r\nContent-Type: application/tar+gzip\r\nTransfer-Encoding: chunked\r\n\r\n${archive.length.toString(16)}\r\n`,
            ),
            archive,
          ]),
          { half: true },
        );
        for (const { knitId, tags } of await foundData(world, query([['since', before]]))) {
          if (userTags({ tags }).length > 0) continue;
          const { status, bytes } = await world.wire.get(`/api/data/${knitId}`);
          if (status === 200 && name in filesOf(bytes))
            expectTrue(false, `a Data was made of a refused upload: ${knitId}`);
        }
      },
  },
};
