import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KnitServer } from '../e2e/knit-server.ts';
import { hasPodman, PodmanService } from '../packages/drivers/test/docker/podman-service.ts';
import { rows } from './rows/index.ts';
import { counts, type Result, results } from './suite.ts';
import { Wire } from './wire.ts';
import { World } from './world.ts';

describe('a server that runs programs of its machine', () => {
  conforms(async () => {
    const server = await KnitServer.start({ options: ['--driver', 'local'] });
    return { server, close: () => server[Symbol.asyncDispose]() };
  });
});

describe.skipIf(!hasPodman)('a server that runs containers', () => {
  conforms(async () => {
    const podman = await PodmanService.start();
    const image = 'knit-test:v1';
    podman.image(image);
    const server = await KnitServer.start({
      options: ['--driver', 'docker', '--container-network', 'none'],
      environment: { DOCKER_HOST: podman.address },
    });
    const close = async () => {
      await server[Symbol.asyncDispose]();
      await podman[Symbol.asyncDispose]();
    };
    return { server, image, close };
  });
});

interface Subject {
  readonly server: KnitServer;
  /** What Plans are executed with; programs of the machine when left out. */
  readonly image?: string;
  close(): Promise<void>;
}

function conforms(open: () => Promise<Subject>): void {
  const all: Result[] = [];
  let subject: Subject | undefined;

  beforeAll(async () => {
    subject = await open();
    const { server, image } = subject;
    const wire = new Wire(server.client.apiRoot.replace(/\/api$/, ''));
    const world = () => new World(wire, { command: ['sh', '-c'], patience: 60_000, ...(image && { image }) });
    for await (const each of results(rows, world, { atOnce: 4 })) all.push(each);
    const left = [
      await wire.get('/api/runs'),
      await wire.get('/api/data'),
      await wire.get('/api/plans?active=true'),
    ];
    all.push({
      row: 'Afterwards',
      what: 'nothing is left',
      result: left.every(({ text }) => text === '[]') ? 'ok' : 'failed',
      why: left.map(({ text }) => text.slice(0, 200)).join(),
    });
    wire.close();
  }, 240_000);

  afterAll(async () => {
    await subject?.close();
  });

  test.each(rows.map(({ name }) => name))('%s is served as the API says', (name) => {
    const deviations = all.filter(({ row, result }) => row === name && result !== 'ok');
    expect(deviations).toEqual([]);
  });

  test('the suite leaves neither Data nor Runs behind, and its Plans inactive', () => {
    const afterwards = all.filter(({ row }) => row === 'Afterwards');
    expect(afterwards.map(({ result, why }) => (result === 'ok' ? result : why))).toEqual(['ok']);
  });

  test('every row has been tried', () => {
    expect(counts(all).ok).toBeGreaterThan(rows.length);
  });
}
