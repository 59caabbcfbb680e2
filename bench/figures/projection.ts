import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const side = 100;

/** One push that fits one input of a Plan whose two others have 100 Data each: 10,000 combinations. */
export const projection: Figure = {
  name: 'projection',
  what: `1 push × ${side * side} combinations → as many Runs registered, 3 times`,
  unit: 's',
  goal: '≤ 2',
  meets: (value) => value <= 2,
  async measure() {
    await using server = await KnitServer.start();
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    for (let nr = 0; nr < side; nr++) {
      await server.push(source, 'bench:b');
      await server.push(source, 'bench:c');
    }
    await server.register({
      image: 'host:projection',
      entrypoint: ['true'],
      inputs: ['a', 'b', 'c'].map((name) => ({ path: `/${name}`, tags: [`bench:${name}`] })),
      outputs: [{ path: '/out', tags: ['bench:out'] }],
      log: { tags: ['bench:log'] },
      active: false,
    });
    const database = new pg.Client(await server.databaseUrl());
    await database.connect();
    const values: number[] = [];
    for (let round = 0; round < 3; round++) {
      const knitId = await server.push(source, 'bench:a');
      const acknowledged = performance.now();
      // They come all at once: one transaction for each Plan and nomination.
      const registered = async () =>
        Number(
          (await database.query('select count(*) from run_input where knit_id = $1', [knitId])).rows[0].count,
        );
      while ((await registered()) === 0);
      values.push((performance.now() - acknowledged) / 1000);
      if ((await registered()) !== side * side) throw new Error('not all Runs were made at once');
    }
    await database.end();
    await rm(source, { recursive: true });
    return { values };
  },
};
