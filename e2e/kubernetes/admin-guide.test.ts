import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { run } from './commands.ts';
import { guide, guideBlocks, notRunHere } from './guide-commands.ts';
import { GuideShell } from './guide-shell.ts';
import { Installation } from './installation.ts';
import { eventually, kubectl } from './kubectl.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

const { hasCluster, settings, storageClass, nodeCerts } = surroundings;
const blocks = guideBlocks(await guide('en')).filter(({ name }) => !(name in notRunHere));

/** What the guide says that is seen, by the name of a block. */
const seen: Readonly<Record<string, RegExp>> = {
  'storage-classes': new RegExp(`^${storageClass} `, 'm'),
  check: /all that an installation needs is there/,
  install: /Knitfab is ready at https:/,
  look: /^run-management-leader +1\/1/m,
  handout: /knit talks to https:/,
  uninstall: /data, database and images stay/,
  'uninstall-hard': /Knitfab is removed, with all its data/,
  metrics: /^knit_build_info\{.*\} 1$/m,
  logs: /^\{"/m,
  'run-show': /memory/,
  'worker-pods': /FailedScheduling/,
  restart: /successfully rolled out/,
  scale: /scaled/,
};

describe.skipIf(!hasCluster || settings !== undefined)(
  "the commands of the administrator's guide, from top to bottom:",
  () => {
    const namespace = `${inject('namespace')}-guide`;
    let shell: GuideShell;
    let knitfab: Installation;

    beforeAll(async () => {
      shell = await GuideShell.start({ NAMESPACE: namespace, STORAGE_CLASS: storageClass });
      const directory = join(shell.home, 'knitfab', 'install');
      const place = join(directory, 'knitfab-install-settings');
      knitfab = new Installation({ namespace, settings: place, directory });
    });

    afterAll(async () => {
      await run([join(knitfab.settings, 'uninstall.sh'), '--hard', '--yes']).catch(() => {});
      await shell[Symbol.asyncDispose]();
      await kubectl('delete', 'namespace', namespace, '--ignore-not-found');
    });

    /** What the reader has to see to before a block, because it stands for something of the reader's own. */
    const before: Readonly<Record<string, () => Promise<void>>> = {
      check: () =>
        knitfab.edit('knit-image-registry', (values) => values.set('nodeCerts', { use: true, ...nodeCerts })),
      // a user's Run that can't be placed on any node; the handout was removed with everything, and charts don't make it
      'run-show': async () => {
        await knitfab.install();
        await knitfab.connect();
        const runs = new SingleRuns(knitfab);
        const planId = await runs.script('true', { resources: { memory: '100Ti' } });
        const { runId } = await runs.is('starting', planId);
        await eventually('it is known why the Run waits', async () =>
          /^problem/m.test(await shell.run(`knit run show --output table ${runId}`)),
        );
        shell.set('RUN_ID', runId);
      },
    };

    test.for(blocks)('$name', { timeout: 600_000 }, async ({ kind, name, text }) => {
      await before[name]?.();
      if (kind === 'yaml') {
        const chart = /^values\/(.*)\.yaml$/.exec(name)?.[1] ?? '';
        await knitfab.edit(chart, (values) => {
          for (const [key, value] of Object.entries(parse(text))) values.set(key, value);
        });
        return;
      }
      // Nobody is at the terminal to be asked.
      const printed = await shell.run(text.replace('--hard', '--hard --yes'));
      expect(printed).toMatch(seen[name] ?? /^/);
    });
  },
);
