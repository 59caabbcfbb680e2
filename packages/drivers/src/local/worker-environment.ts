import { homedir } from 'node:os';

/** What a worker takes over from the server's environment: whose it runs as, and how they have set up their machine. */
const taken = ['PATH', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TZ'];

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment of workers, but for what their Runs add: PATH, HOME, USER, LOGNAME, SHELL, LANG and the like, TZ, as the server
 * has them, and TMPDIR. Nothing else: a server's environment may hold secrets, such as the address of its database.
 */
export function workerEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const entries = taken.map((name) => [name, environment[name]] as const);
  return {
    PATH: defaultPath,
    HOME: homedir(),
    LANG: 'C.UTF-8',
    ...Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    TMPDIR: '/tmp',
  };
}
