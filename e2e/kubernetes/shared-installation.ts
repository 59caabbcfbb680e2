import { dirname, join } from 'node:path';
import { beforeAll, inject } from 'vitest';
import { Installation } from './installation.ts';

/** The installation that all tests share. */
export const sharedInstallation = (): Installation =>
  new Installation({
    namespace: inject('namespace'),
    settings: inject('settings'),
    directory: join(dirname(inject('settings')), 'user'),
  });

/** The same, once its users can reach it: before the tests of the `describe` that this is called in. */
export function connectedInstallation(): Installation {
  const installation = sharedInstallation();
  beforeAll(async () => {
    await installation.connect();
  });
  return installation;
}
