import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Result } from '../../conformance/suite.ts';
import { run } from './commands.ts';
import { PortForward } from './port-forward.ts';
import { sharedInstallation } from './shared-installation.ts';
import { surroundings } from './surroundings.ts';

const suite = fileURLToPath(new URL('../../conformance/main.ts', import.meta.url));

describe.skipIf(!surroundings.hasCluster)('the conformance suite', () => {
  const knitfab = sharedInstallation();

  test('finds nothing that deviates', { timeout: 900_000 }, async () => {
    await using forward = await PortForward.to('service/knitd:443', knitfab.namespace);
    const place = await mkdtemp(join(tmpdir(), 'knit-e2e-'));
    await writeFile(join(place, 'ca.crt'), (await knitfab.certificateAuthority()) ?? '');
    const report = join(place, 'report.json');
    await run([
      ...[process.execPath, suite, '--server', `https://127.0.0.1:${forward.port}`],
      ...[
        '--ca',
        join(place, 'ca.crt'),
        '--image',
        surroundings.image,
        '--patience',
        '120',
        '--json',
        report,
      ],
    ]);
    const results = JSON.parse(await readFile(report, 'utf8')) as Result[];
    await rm(place, { recursive: true });
    const count = (wanted: string) => results.filter(({ result }) => result === wanted).length;
    console.log(`${count('ok')} ok, ${count('failed')} failed, ${count('not tried')} not tried`);
    expect(results.filter(({ result }) => result !== 'ok')).toEqual([]);
    expect(count('ok')).toBeGreaterThan(80);
  });
});
