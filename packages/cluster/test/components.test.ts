import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { TestStore } from '../../store/test/fixture.ts';
import { ComponentProcess, databaseEnvironment, settingsDirectory } from './component-process.ts';

// Several processes that start one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

let settings: Awaited<ReturnType<typeof settingsDirectory>>;
beforeAll(async () => {
  settings = await settingsDirectory();
});
afterAll(() => settings[Symbol.asyncDispose]());

const start = (component: string, database: string, more: readonly string[] = []) =>
  new ComponentProcess(
    [component, '--config', `${settings.path}/config.json`, '--metrics-port', '0', ...more],
    databaseEnvironment(database),
  );

const ask = (port: number | undefined, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

describe('the program', () => {
  test('lists its components, and tells of one that there is not', async () => {
    await using help = new ComponentProcess(['--help']);
    expect(await help.ended()).toBe(0);
    for (const component of ['knitd', 'knitd-backend', 'projection', 'migrate', 'data-agent'])
      expect(help.noise.join('\n')).toContain(component);
    await using wrong = new ComponentProcess(['projektion']);
    expect(await wrong.ended()).toBe(2);
    expect(wrong.complaint).toContain('There is no component projektion.');
  });

  test('says which field of its configuration is wrong, and ends', async () => {
    await using bad = await settingsDirectory({ volumes: { size: '1Gi', sise: '2Gi' } });
    await using component = new ComponentProcess(['projection', '--config', `${bad.path}/config.json`]);
    expect(await component.ended()).toBe(1);
    expect(component.complaint).toContain('there is no volumes.sise');
    expect(component.complaint).toContain('There are: storageClass, size, accessMode, spare.');
  });
});

describe('a component', () => {
  test('waits for the migration of the database: alive, and not ready; then it works, and ends when it is told to', async () => {
    const database = await freshDatabase({ empty: true });
    await using component = start('projection', database);
    await component.told('waiting for its migration');
    await using migrate = new ComponentProcess(['migrate'], databaseEnvironment(database));
    expect(await migrate.ended()).toBe(0);
    const { metricsPort } = await component.told('ready');
    expect((await ask(metricsPort, '/healthz')).status).toBe(200);
    expect((await ask(metricsPort, '/readyz')).status).toBe(200);
    const metrics = async () => (await ask(metricsPort, '/metrics')).text();
    expect(await metrics()).toContain('knit_component_info{component="projection"');
    await expect.poll(metrics).toContain('knit_loop_step_seconds_count{loop="projection"}');
    component.kill('SIGTERM');
    expect(await component.ended()).toBe(0);
    expect(component.noise).toEqual([]);
    expect(component.lines.at(-1)).toMatchObject({ component: 'projection', level: 'info', msg: 'ended' });
  });

  test('waits for a database that is away, tells so once, and ends when it is told to', async () => {
    await using component = start('garbage-collection', 'postgres://somebody@127.0.0.1:1/nothing');
    const { level } = await component.told("the database can't be reached");
    expect(level).toBe('warn');
    component.kill('SIGTERM');
    expect(await component.ended()).toBe(0);
    expect(component.lines.filter(({ msg }) => msg.includes('reached'))).toHaveLength(1);
  });

  test('ends with a sentence when the database is of a newer version', async () => {
    const database = await freshDatabase();
    await using store = TestStore.open(database);
    await sql`insert into schema_version (version, name, checksum) values (9999, 'later', '')`.execute(
      store.db,
    );
    await using component = start('finishing', database);
    expect(await component.ended()).toBe(1);
    expect(component.lines.at(-1)).toMatchObject({
      level: 'fatal',
      err: { type: 'Conflict', reason: expect.stringContaining('newer version than this program') },
    });
    await using migrate = new ComponentProcess(['migrate'], databaseEnvironment(database));
    expect(await migrate.ended()).toBe(1);
    expect(migrate.complaint).toContain('newer version');
  });

  test('that is killed leaves its work to the other copies: each Run is made once', async () => {
    const database = await freshDatabase();
    await using store = TestStore.open(database);
    const copies = [
      start('projection', database),
      start('projection', database),
      start('projection', database),
    ];
    try {
      const planId = await store.plan({ '/in': ['many:yes'] }, { '/out': [] }, { image: 'nobody/runs:this' });
      const count = 60;
      for (let number = 0; number < count; number++) {
        await store.push('many:yes');
        if (number === 20) copies[0]?.kill('SIGKILL');
        if (number === 40) copies[1]?.kill('SIGTERM');
      }
      await expect.poll(async () => (await store.runsOf(planId)).length, { timeout: 20_000 }).toBe(count);
      const inputs = (await store.runsOf(planId)).map((run) => run.inputs[0]?.knitId);
      expect(new Set(inputs).size).toBe(count);
    } finally {
      for (const copy of copies) await copy[Symbol.asyncDispose]();
    }
  });
});
