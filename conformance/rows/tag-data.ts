import { expectEqual, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { nobody, tagged, userTags } from '../world.ts';

export const tagData: Row = {
  name: 'PUT /api/data/{knitId}/',
  checks: {
    'removes first, then adds: tags, and all tags of a key': async (world) => {
      const { knitId } = await world.data([
        world.tag('old'),
        world.tag('older'),
        `${world.mark}-k:1`,
        `${world.mark}-k:2`,
      ]);
      const change = {
        add: [world.tag('new'), world.tag('old')],
        remove: [world.tag('old'), world.tag('older')],
        remove_key: [`${world.mark}-k`],
      };
      const after = await tagged(world, knitId, change);
      expectEqual(userTags(after), [world.tag('new'), world.tag('old')], 'tags');
      expectEqual(
        userTags(
          await tagged(world, knitId, { add: [`${world.mark}-k:3`], remove_key: [`${world.mark}-k`] }),
        ),
        [`${world.mark}-k:3`, world.tag('new'), world.tag('old')].sort(),
        'removal of a key, then addition',
      );
    },
    'takes tags as text, which is trimmed, and as objects, which are kept': async (world) => {
      const { knitId } = await world.upload();
      const after = await tagged(world, knitId, {
        add: [`  ${world.mark} :  text : more `, { key: world.mark, value: ' object ' }],
      });
      expectEqual(userTags(after), [`${world.mark}: object `, `${world.mark}:text : more`], 'tags');
    },
    'takes null for an absent list, and ignores unknown fields': async (world) => {
      const { knitId } = await world.data([world.tag('kept')]);
      for (const change of [
        { add: null, remove: null, remove_key: null },
        {},
        { add: [], weather: 'fine' },
      ]) {
        expectEqual(
          userTags(await tagged(world, knitId, change)),
          [world.tag('kept')],
          JSON.stringify(change),
        );
      }
    },
    'may be said twice': async (world) => {
      const { knitId } = await world.upload();
      for (const change of [{ add: [world.tag('x'), world.tag('x')] }, { add: [world.tag('x')] }])
        expectEqual(userTags(await tagged(world, knitId, change)), [world.tag('x')], 'added twice');
      for (const _ of [1, 2])
        expectEqual(userTags(await tagged(world, knitId, { remove: [world.tag('x')] })), [], 'removed twice');
    },
    'takes a value of 1 MiB and no larger one, and a key of 1,024 characters': async (world) => {
      const { knitId } = await world.upload();
      const value = 'v'.repeat(1024 * 1024);
      const key = `${world.mark}${'k'.repeat(1024 - world.mark.length)}`;
      const after = await tagged(world, knitId, {
        add: [
          { key, value: 'x' },
          { key: world.mark, value },
        ],
      });
      expectEqual(userTags(after), [`${key}:x`, `${world.mark}:${value}`].sort(), 'largest tags');
      expectStatus(
        await world.wire.put(`/api/data/${knitId}`, { add: [`${world.mark}:${value}x`] }),
        400,
        'too large a value',
      );
      expectStatus(
        await world.wire.put(`/api/data/${knitId}`, { add: [`${key}k:x`] }),
        400,
        'too long a key',
      );
    },
    'refuses knit#… in any of its lists, and malformed bodies; nothing is changed': async (world) => {
      const { knitId } = await world.data([world.tag('same')]);
      const bad = [
        { add: ['knit#id:x'] },
        { add: [{ key: 'knit#other', value: 'x' }] },
        { remove: ['knit#timestamp:x'] },
        { remove_key: ['knit#transient'] },
        { add: ['no colon'] },
        { add: [{ key: 'a:b', value: 'c' }] },
        { add: [':no key'] },
        { add: [world.tag('not added'), 5] },
        { add: 'text' },
        [],
      ];
      for (const change of bad)
        expectStatus(await world.wire.put(`/api/data/${knitId}`, change), 400, JSON.stringify(change));
      for (const body of ['{', '', '"text"'])
        expectStatus(await world.wire.send('PUT', `/api/data/${knitId}`, { body }), 400, `body ${body}`);
      expectEqual(userTags(await tagged(world, knitId, {})), [world.tag('same')], 'tags after refusals');
    },
    'of no Data, or by a malformed id, is not found': async (world) => {
      for (const id of [nobody, 'no-id'])
        expectStatus(await world.wire.put(`/api/data/${id}`, {}), 404, `PUT /api/data/${id}`);
    },
  },
};
