import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { run } from './commands.ts';
import { surroundings } from './surroundings.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the one installation that the tests share has its settings, and a user's directory beside them. */
    settings: string;
    namespace: string;
  }
}

/** A place for the installation; in the end, what is still installed goes. */
export default async function globalSetup({
  provide,
}: TestProject): Promise<(() => Promise<void>) | undefined> {
  provide('namespace', process.env.KNIT_E2E_NAMESPACE ?? 'knit-e2e');
  if (surroundings.settings !== undefined) {
    provide('settings', surroundings.settings);
    await mkdir(join(dirname(surroundings.settings), 'user'), { recursive: true });
    return undefined;
  }
  const place = await mkdtemp(join(tmpdir(), 'knit-e2e-'));
  const settings = join(place, 'knitfab-install-settings');
  await mkdir(join(place, 'user'));
  provide('settings', settings);
  return async () => {
    await run([join(settings, 'uninstall.sh'), '--hard', '--yes']).catch(() => {});
    await rm(place, { recursive: true, force: true });
  };
}
