import { expectEqual, expectSorted, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { nobody } from '../world.ts';
import { foundData, ids, query } from './found-data.ts';

export const findData: Row = {
  name: 'GET /api/data/',
  checks: {
    'finds the Data that have all of the tags, oldest first, then by knitId': async (world) => {
      const [a, b] = [world.tag('find-a'), world.tag('find-b')];
      const both = await world.data([a, b]);
      const one = await world.data([a]);
      const list = await foundData(world, query([['tag', a]]));
      expectEqual(ids(list).sort(), [both.knitId, one.knitId].sort(), 'Data of one tag');
      expectSorted(
        list,
        ({ upstream, knitId }) => `${new Date(upstream.run.updatedAt).toISOString()} ${knitId}`,
        'order',
      );
      expectEqual(
        ids(
          await foundData(
            world,
            query([
              ['tag', a],
              ['tag', b],
            ]),
          ),
        ),
        [both.knitId],
        'Data of two tags',
      );
      expectEqual(
        await foundData(
          world,
          query([
            ['tag', a],
            ['tag', world.tag('nobody has it')],
          ]),
        ),
        [],
        'no Data',
      );
    },
    'finds by knit#id and knit#timestamp, whatever the offset of the time': async (world) => {
      const data = await world.data([world.tag('system')]);
      const stamp =
        data.tags.find((tag) => tag.startsWith('knit#timestamp:'))?.slice('knit#timestamp:'.length) ?? '';
      const utc = new Date(stamp).toISOString();
      const tokyo = new Date(Date.parse(stamp) + 9 * 3_600_000).toISOString().replace('Z', '+09:00');
      for (const time of [stamp, utc, tokyo]) {
        expectEqual(
          ids(
            await foundData(
              world,
              query([
                ['tag', `knit#id:${data.knitId}`],
                ['tag', `knit#timestamp:${time}`],
              ]),
            ),
          ),
          [data.knitId],
          `knit#timestamp:${time}`,
        );
      }
      expectEqual(await foundData(world, query([['tag', `knit#id:${nobody}`]])), [], 'the id of nothing');
    },
    'trims white space around key and value of a tag': async (world) => {
      const { knitId } = await world.data([world.tag('trimmed')]);
      expectEqual(
        ids(await foundData(world, query([['tag', ` ${world.mark} :  trimmed `]]))),
        [knitId],
        'trimmed tag',
      );
    },
    'takes values with ":", "+", "%", "&", quotes and Japanese': async (world) => {
      const values = [
        'a:b:c',
        '1+1=2',
        '100%',
        'a&b=c',
        `"it's"`,
        '日本語のタグ',
        '\u30ac',
        '\u30ab\u3099',
        '🧶',
      ];
      for (const value of values) {
        const { knitId } = await world.data([world.tag(`odd ${value}`)]);
        expectEqual(
          ids(await foundData(world, query([['tag', world.tag(`odd ${value}`)]]))),
          [knitId],
          `tag ${value}`,
        );
      }
    },
    'takes since as RFC 3339 with Z or an offset, and duration as Go writes it, half-open': async (world) => {
      const tag = world.tag('interval');
      const { upstream, knitId } = await world.data([tag]);
      const at = new Date(upstream.run.updatedAt);
      const moved = (milliseconds: number) => new Date(at.getTime() + milliseconds).toISOString();
      const cases: [since: string, duration: string | undefined, isFound: boolean][] = [
        [moved(0), undefined, true],
        [moved(0).replace('Z', '+00:00'), undefined, true],
        [moved(1), undefined, false],
        [moved(0), '1ms', true],
        [moved(-1000), '1s', false],
        [moved(-1000), '1001ms', true],
        [moved(-3_600_000), '24h0m0s', true],
        [moved(-3_600_000), '1.5h', true],
        [moved(-3_600_000), '2h45m', true],
        [moved(-3_600_000), '300ms', false],
      ];
      for (const [since, duration, isFound] of cases) {
        const list = await foundData(
          world,
          query([
            ['tag', tag],
            ['since', since],
            ...(duration === undefined ? [] : ([['duration', duration]] as const)),
          ]),
        );
        expectEqual(ids(list), isFound ? [knitId] : [], `since=${since} duration=${duration}`);
      }
    },
    'takes an offset whose "+" was not escaped': async (world) => {
      await foundData(world, 'since=2024-03-06T09:25:16.586+00:00');
    },
    'refuses malformed tags, since and duration, and duration without since': async (world) => {
      const bad = [
        'tag=no-colon',
        'tag=:empty-key',
        'since=yesterday',
        'since=2024-02-30T00:00:00Z',
        'duration=1h',
        'since=2024-03-06T00:00:00Z&duration=-1h',
        'since=2024-03-06T00:00:00Z&duration=0s',
        'since=2024-03-06T00:00:00Z&duration=1',
        'since=2024-03-06T00:00:00Z&duration=soon',
      ];
      for (const each of bad)
        expectStatus(await world.wire.get(`/api/data?${each}`), 400, `GET /api/data?${each}`);
    },
    'is [] when nothing fits, and ignores unknown parameters': async (world) => {
      const answer = await world.wire.get(
        `/api/data/?${query([
          ['tag', world.tag('nothing')],
          ['weather', 'fine'],
        ])}`,
      );
      expectEqual(answer.json, [], 'nothing found');
    },
  },
};
