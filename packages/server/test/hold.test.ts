import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { holdDatabase, openStore } from '@knitfab/store';
import { expect, onTestFinished, test } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { openDataDirectory } from '../src/up/data-directory.ts';
import { hold } from '../src/up/hold.ts';

test('a holder that was killed and had the same process id, as in a container, is not taken for a living one', async () => {
  const path = await mkdtemp(join(tmpdir(), 'knit-hold-'));
  onTestFinished(() => rm(path, { recursive: true }));
  const store = openStore({ connectionString: await freshDatabase() });
  onTestFinished(() => store.close());
  const directory = await openDataDirectory(path);
  await writeFile(directory.holder, JSON.stringify({ pid: process.pid }));
  const former = await holdDatabase(store.options);
  const taking = hold(directory, store);
  // The database sees only now that it is gone.
  void setTimeout(300).then(() => former?.release());
  const held = await taking;
  await held.release();
  expect(former).toBeDefined();
});
