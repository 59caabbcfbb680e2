import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DockerLog } from '../../src/docker/container-log/docker-log.ts';
import { openEngine, parseEngineAddress } from '../../src/docker/index.ts';
import { Contained } from './contained.ts';
import { hasPodman, PodmanService } from './podman-service.ts';

/** How long the long log is; `KNIT_TEST_LOG_BYTES=2000000000` for gigabytes. */
const longBytes = Number(process.env.KNIT_TEST_LOG_BYTES ?? 50_000_000);

describe.skipIf(!hasPodman)('the log of a container', () => {
  let podman: PodmanService;
  let contained: Contained;

  beforeAll(async () => {
    podman = await PodmanService.start();
    podman.image('knit-test:v1');
    contained = await Contained.open(podman);
  });
  afterAll(async () => {
    await contained?.close();
    await podman?.[Symbol.asyncDispose]();
  });

  it('has all bytes, whatever they are, and none that were not written', async () => {
    const { log } = await contained.run(String.raw`printf 'a\0b\377\r\n\n'; printf 'no end of line'`);
    expect(log).toBe('a\0b\xff\r\n\nno end of line');
  });

  it('has all of a container that ends at once', async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, (_, index) => contained.run(`echo ${index}`)));
    expect(runs.map(({ log }) => log)).toEqual(runs.map((_, index) => `${index}\n`));
  });

  it(
    'is whole and in order for a long one, also when the server was stopped and started again while it was read',
    async () => {
      const spec = await contained.start([
        'sh',
        '-c',
        `yes '0123456789 all of a line' | head -c ${longBytes}`,
      ]);
      await contained.until(spec, 'running', 'ended');
      // Someone reads it all the time, so that it is brought over piece by piece.
      for (let round = 0; round < 3; round++) {
        const reading = new AbortController();
        const log = await contained.workers.logs(
          { name: spec.name, log: { volume: spec.log?.volume ?? '' } },
          { follow: true, signal: reading.signal },
        );
        const read = log.resume();
        await setTimeout(100);
        reading.abort();
        read.destroy();
        await contained.restart();
      }
      await contained.until(spec, 'ended');
      await contained.workers.remove(spec.name);
      const file = join(contained.volume(spec.log?.volume ?? ''), 'log');
      expect(statSync(file).size).toBe(longBytes);
      const line = Buffer.from('0123456789 all of a line\n');
      const expected = createHash('sha256');
      const whole = Buffer.alloc(line.length * 10_000, line);
      for (let left = longBytes; left > 0; left -= whole.length) expected.update(whole.subarray(0, left));
      const found = createHash('sha256');
      await pipeline(createReadStream(file), found);
      expect(found.digest('hex')).toBe(expected.digest('hex'));
    },
    Math.max(120_000, longBytes / 5000),
  );

  it('is read while it is written, and ends with the container', async () => {
    const spec = await contained.start([
      'sh',
      '-c',
      'echo first; until [ -e /out/on ]; do sleep 0.02; done; printf last',
    ]);
    const log = await contained.workers.logs(
      { name: spec.name, log: { volume: spec.log?.volume ?? '' } },
      { follow: true },
    );
    const read: string[] = [];
    for await (const chunk of log) {
      read.push(String(chunk));
      if (read.join('') === 'first\n') writeFileSync(contained.output(spec, 'on'), '');
    }
    expect(read.join('')).toBe('first\nlast');
    await contained.workers.remove(spec.name);
    const kept = await contained.workers.logs(
      { name: spec.name, log: { volume: spec.log?.volume ?? '' } },
      { follow: true },
    );
    expect((await kept.toArray()).join('')).toBe('first\nlast');
  });

  it('is the same through the API, as it comes from Docker, also from the middle on', async () => {
    const { client } = await openEngine(parseEngineAddress(podman.address));
    const name = `by-hand-${randomUUID()}`;
    podman.podman(
      'run',
      '--name',
      name,
      'knit-test:v1',
      'sh',
      '-c',
      String.raw`seq 5000; sleep 0.2; printf 'e\377nd' >&2`,
    );
    const expected = `${Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join('')}e\xffnd`;
    for (const known of [0, 1, 7777, expected.length]) {
      const file = join(contained.directory, `log-${known}`);
      writeFileSync(file, expected.slice(0, known), 'latin1');
      const log = new DockerLog(client, name, file);
      await log.catchUp(true);
      await log.catchUp(true);
      expect(readFileSync(file, 'latin1')).toBe(expected);
      log.close();
    }
    podman.podman('rm', name);
  });
});
