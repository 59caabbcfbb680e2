import type { Client } from '@knitfab/api';
import type { Command } from 'commander';
import { interrupted } from './interrupt.ts';
import { chooseProfile, type ProfileOptions } from './profile/choose.ts';
import { type KnitEnv, readKnitEnv } from './profile/knitenv.ts';
import { certificateAuthority } from './profile/profile.ts';

/** The options that go with every command. */
export interface CommonOptions extends ProfileOptions {
  readonly env?: string;
  readonly output?: 'table' | 'json' | 'yaml';
}

/** The common options that are given; an empty variable of the environment gives none. */
export function commonOptionsOf(command: Command): CommonOptions {
  const { profile, profileStore, env, output } = command.optsWithGlobals<CommonOptions>();
  return {
    ...(profile && { profile }),
    ...(profileStore && { profileStore }),
    ...(env && { env }),
    ...(output && { output }),
  };
}

/**
 * A client of the server that the command line, the environment or the directory name.
 * @param options.interruptible whether Ctrl-C ends its requests; cleaning up goes on
 */
export async function connect(
  command: Command,
  { interruptible = true }: { interruptible?: boolean } = {},
): Promise<Client> {
  const [profile, { createClient }] = await Promise.all([
    chooseProfile(commonOptionsOf(command), process.cwd()),
    import('@knitfab/api/client'),
  ]);
  const ca = certificateAuthority(profile);
  return createClient({
    apiRoot: profile.apiRoot,
    ...(ca && { ca }),
    ...(interruptible && { signal: interrupted }),
  });
}

/** The defaults for tags and resources that hold here. */
export const knitEnvOf = (command: Command): Promise<KnitEnv> =>
  readKnitEnv(commonOptionsOf(command).env, process.cwd());
