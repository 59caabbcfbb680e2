import { filesOf } from '../archive.ts';
import { expectEqual, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { md5 } from '../wire.ts';
import { nobody } from '../world.ts';

export const downloadData: Row = {
  name: 'GET /api/data/{knitId}/',
  checks: {
    'is the tree that was uploaded, gzipped, with its MD5 as a trailer': async (world) => {
      const files = {
        'a.txt': 'one\n',
        'below/b.txt': 'two\n',
        'empty.txt': '',
        '日本語/ファイル.txt': 'three\n',
      };
      const { knitId } = await world.upload(files);
      const answer = await world.wire.get(`/api/data/${knitId}/`);
      expectEqual(answer.status, 200, 'status');
      expectEqual(answer.headers['content-type'], 'application/tar+gzip', 'Content-Type');
      expectEqual(filesOf(answer.bytes), files, 'files');
      expectEqual(answer.trailers['x-checksum-md5'], md5(answer.bytes), 'trailer x-checksum-md5');
    },
    'of no Data, or by a malformed id, is not found': async (world) => {
      for (const id of [nobody, 'no-id', '1'])
        expectStatus(await world.wire.get(`/api/data/${id}`), 404, `GET /api/data/${id}`);
    },
  },
};
