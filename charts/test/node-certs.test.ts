import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { template, whatHelmLacks } from './helm.ts';

const lack = whatHelmLacks();

/** The DaemonSet's program, with directories of this machine in place of a node's. */
const program = (directory: string): string => {
  const certs = { cert: 'Q0VSVA==', key: 'S0VZ', cacert: 'Q0E=' };
  const daemon = template('knit-image-registry', { certs, 'nodeCerts.use': true }).find(
    ({ kind }) => kind === 'DaemonSet',
  );
  const [{ command }] = daemon?.spec.template.spec.containers ?? [];
  return (command[2] as string)
    .replaceAll('/certs.d', join(directory, 'certs.d'))
    .replaceAll('/ca/ca.crt', join(directory, 'ca.crt'))
    .replaceAll('/tmp/ready', join(directory, 'ready'));
};

describe.skipIf(lack !== undefined)(`registry-certs${lack ? ` (skipped: ${lack})` : ''}`, () => {
  test.each([
    ['10.0.0.2', '10.0.0.2'],
    ['fd00::2', '[fd00::2]'],
  ])(
    'lets a node (%s) ask itself first, then the node that an image is named by, and cleans up',
    async (address, own) => {
      const directory = mkdtempSync(join(tmpdir(), 'knit-certs-'));
      mkdirSync(join(directory, 'certs.d'));
      writeFileSync(join(directory, 'ca.crt'), 'CA');
      const environment = {
        PATH: process.env.PATH,
        HOSTS: `10.0.0.1 ${own}`,
        HOST_IP: address,
        PORT: '30503',
      };
      const child = spawn('sh', ['-c', program(directory)], {
        env: environment,
        detached: true,
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      try {
        while (!existsSync(join(directory, 'ready'))) await sleep(20);
        const of = (host: string) => {
          const place = join(directory, 'certs.d', `${host}:30503`);
          expect(readdirSync(place)).toEqual(['ca.crt', 'hosts.toml']);
          return readFileSync(join(place, 'hosts.toml'), 'utf8').match(/(?<=")https:[^"]*/g);
        };
        expect(of('10.0.0.1')).toEqual([
          'https://10.0.0.1:30503',
          `https://${own}:30503`,
          'https://10.0.0.1:30503',
        ]);
        expect(of(own)).toEqual([`https://${own}:30503`, `https://${own}:30503`]);
      } finally {
        process.kill(child.pid ?? 0, 'SIGTERM');
        await ended;
        // Its `sleep`, which goes with the container otherwise.
        endGroup(child.pid ?? 0);
        expect(readdirSync(join(directory, 'certs.d'))).toEqual([]);
        rmSync(directory, { recursive: true });
      }
    },
  );
});

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
