import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { Installation } from './installation.ts';

/** The installation that all tests share. */
export const sharedInstallation = (): Installation =>
  new Installation({
    namespace: inject('namespace'),
    settings: inject('settings'),
    directory: join(dirname(inject('settings')), 'user'),
  });
