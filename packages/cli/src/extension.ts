import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { commandNames, commonOptions } from './commands/index.ts';
import { harmless } from './output/harmless.ts';
import { chooseProfile, profileName } from './profile/choose.ts';
import { nearestFile } from './profile/nearest-file.ts';
import { defaultProfileStore } from './profile/store.ts';
import { programsOnPath } from './programs-on-path.ts';

interface Invocation {
  readonly name: string;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

/**
 * Runs `knit-NAME` from PATH when the first word is a NAME of no command of ours (spec page 3).
 * @returns its exit code; undefined when there is no such program
 */
export async function runExtension(args: readonly string[]): Promise<number | undefined> {
  const invocation = readInvocation(args);
  if (invocation === undefined || commandNames.includes(invocation.name)) return undefined;
  const program = (await programsOnPath(invocation.name)).get(invocation.name);
  if (program === undefined) return undefined;
  const child = spawn(program, invocation.args, {
    stdio: 'inherit',
    env: { ...process.env, ...(await extensionEnvironment(invocation.options)) },
    shell: /\.(cmd|bat)$/i.test(program),
  });
  process.on('SIGINT', () => {}); // the terminal sends it to the program as well, which ends in its own way
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  });
}

/** The first word, the common options before it, and all that follows it. */
function readInvocation(args: readonly string[]): Invocation | undefined {
  const options: Record<string, string> = {};
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) return { name: arg, args: args.slice(index + 1), options };
    const [name = '', value] = arg.split(/=(.*)/s);
    if (!commonOptions.includes(name)) return undefined;
    options[name] = value ?? args[++index] ?? '';
  }
  return undefined;
}

async function extensionEnvironment(
  options: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const directory = process.cwd();
  const profile = options['--profile'] ?? process.env.KNIT_PROFILE;
  const profileStore = options['--profile-store'] ?? process.env.KNIT_PROFILE_STORE ?? defaultProfileStore();
  const given = { profileStore, ...(profile && { profile }) };
  const env = options['--env'] ?? process.env.KNIT_ENV ?? nearestFile('knitenv', directory);
  return {
    // An extension may do without a server: that none can be chosen is its own business.
    KNIT_PROFILE: await chooseProfile(given, directory).then(
      ({ name }) => name,
      () => profileName(given, directory),
    ),
    KNIT_PROFILE_STORE: profileStore,
    ...(env && { KNIT_ENV: env }),
  };
}

/** The extensions on PATH, for the help. */
export async function extensionsHelp(): Promise<string> {
  const programs = await programsOnPath();
  const names = [...programs.keys()].filter((name) => !commandNames.includes(name)).sort();
  if (names.length === 0) return '';
  return `Extensions (programs knit-NAME on PATH):\n${names.map((name) => `  ${harmless(name)}\n`).join('')}\n`;
}
