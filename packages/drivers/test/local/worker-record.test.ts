import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { WorkerRecord } from '../../src/local/worker-record.ts';
import { temporaryDirectory, users } from './users.ts';

const [user] = users as [(typeof users)[number]];

describe('the record of a worker', () => {
  const place = temporaryDirectory(user);
  afterAll(() => place.remove());

  let last = 0;
  const recordOf = (life?: string): WorkerRecord => {
    const directory = join(place.path, String(++last));
    mkdirSync(directory);
    if (life !== undefined) writeFileSync(join(directory, 'life'), life);
    return new WorkerRecord(directory);
  };
  const stat = (pid: number) => `${pid} (sh (x) y) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 ${pid}99 0 0`;

  it('is nothing before the worker is claimed', () => {
    const record = recordOf();
    expect(record.life).toBeUndefined();
    expect(record.isClaimed).toBe(false);
    expect(new WorkerRecord(join(place.path, 'missing')).life).toBeUndefined();
  });

  it('tells the processes, the command’s start and end, and complaints', () => {
    const life = `supervisor boot ${stat(7)}\ninit ${stat(8)}\nmount: no\nsuch thing\nrunning 1.5\ncode 3\nended 2.25\n`;
    expect(recordOf(life).life).toMatchObject({
      claim: { by: 'supervisor', process: { pid: 7, started: '799' }, boot: 'boot' },
      init: { pid: 8, started: '899' },
      running: 1.5,
      code: 3,
      isStartError: false,
      ended: 2.25,
      complaints: 'mount: no\nsuch thing\n',
    });
  });

  it('believes the first of two exit codes, which says that the program could not be started', () => {
    expect(recordOf('code 127 StartError\ncode 127\n').life).toMatchObject({ code: 127, isStartError: true });
  });

  it('does without a line that is not complete yet', () => {
    expect(recordOf('').life).toMatchObject({ complaints: '' });
    expect(recordOf('').life?.claim).toBeUndefined();
    expect(recordOf(`supervisor boot ${stat(7)}`).life?.claim).toBeUndefined();
    expect(recordOf('code 13').life?.code).toBeUndefined();
  });

  it('is claimed for removal, so that no supervisor can claim it any more', () => {
    const record = recordOf();
    record.claimForRemoval();
    expect(record.life?.claim).toEqual({ by: 'driver' });
    const claim = () =>
      execFileSync('sh', ['-c', 'set -C; : >life'], { cwd: record.directory, stdio: 'pipe' });
    expect(claim).toThrow(/life/);
  });

  it('is not claimed for removal once a supervisor has done so', () => {
    const record = recordOf(`supervisor boot ${stat(7)}\n`);
    record.claimForRemoval();
    expect(readFileSync(join(record.directory, 'life'), 'utf8')).toBe(`supervisor boot ${stat(7)}\n`);
    new WorkerRecord(join(place.path, 'missing')).claimForRemoval();
  });
});
