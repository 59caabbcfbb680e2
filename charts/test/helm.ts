import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** The charts, in the order in which they are installed. */
export const charts = [
  'knit-storage-nfs',
  'knit-certs',
  'knit-db-postgres',
  'knit-image-registry',
  'knit-app',
] as const;

export type Chart = (typeof charts)[number];

/** An object of Kubernetes, as a chart writes it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: tests look at fields of every kind there is
  readonly [field: string]: any;
}

/** Values that are set over a chart's own, by their paths. */
export type Settings = Readonly<Record<string, unknown>>;

/** Where a chart is. */
export const chartDirectory = (chart: Chart): string =>
  fileURLToPath(new URL(`../${chart}`, import.meta.url));

/** What keeps tests with helm from running here, if anything does. */
export function whatHelmLacks(): string | undefined {
  return spawnSync('helm', ['version', '--short']).status === 0 ? undefined : 'helm is not there';
}

/** What keeps tests with a cluster from running here, if anything does. */
export function whatTheClusterLacks(): string | undefined {
  const helm = whatHelmLacks();
  if (helm !== undefined) return helm;
  if (!process.env.KUBECONFIG) return 'KUBECONFIG is not set';
  const answer = spawnSync('kubectl', ['version', '--request-timeout=5s'], { encoding: 'utf8' });
  return answer.status === 0 ? undefined : `kubectl reaches no cluster: ${answer.error ?? answer.stderr}`;
}

/**
 * What a chart would install, without a cluster.
 * @throws {Error} with what helm says when it refuses the values
 */
export const template = (chart: Chart, settings: Settings = {}, namespace = 'knitfab'): KubernetesObject[] =>
  parseAllDocuments(render(chart, settings, namespace)).flatMap(
    (document) => (document.toJS() as KubernetesObject | null) ?? [],
  );

/** The same as helm writes it, for what a reader of YAML would take for equal, and Kubernetes does not: 1e+06 and 1000000. */
export function render(chart: Chart, settings: Settings = {}, namespace = 'knitfab'): string {
  const { status, stdout, stderr } = spawnSync(
    'helm',
    [
      'template',
      chart,
      chartDirectory(chart),
      '--namespace',
      namespace,
      // the oldest that is supported
      '--kube-version',
      '1.29.0',
      ...setting(settings),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Values as helm's arguments. */
export const setting = (settings: Settings): string[] =>
  Object.entries(settings).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`]);

/** All values of a chart, its own ones and those set over them: what `helm get values --all` gives for a release. */
export function allValues(chart: Chart, settings: Settings = {}): Record<string, unknown> {
  const shown = execFileSync('helm', ['show', 'values', chartDirectory(chart)], { encoding: 'utf8' });
  const [document] = parseAllDocuments(shown);
  const values = document?.toJS() as Record<string, unknown>;
  for (const [path, value] of Object.entries(settings)) assign(values, path.split('.'), value);
  return values;
}

function assign(values: Record<string, unknown>, [key = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) values[key] = value;
  else assign(values[key] as Record<string, unknown>, rest, value);
}

/** The object of a kind and name. @throws {Error} when there is none */
export function find(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** Names of the objects of a kind, in order. */
export const namesOf = (objects: readonly KubernetesObject[], kind: string): string[] =>
  objects
    .filter((object) => object.kind === kind)
    .map(({ metadata }) => metadata.name)
    .sort();

/** Certificates of no use but to be looked at: PEM files in base64, as knit-certs takes them. */
export const certificates = {
  cacert: Buffer.from('-----BEGIN CERTIFICATE-----\nCA\n-----END CERTIFICATE-----\n').toString('base64'),
  cert: Buffer.from('-----BEGIN CERTIFICATE-----\nserver\n-----END CERTIFICATE-----\n').toString('base64'),
  key: Buffer.from('-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n').toString('base64'),
};

/** What every chart installs when they are installed one after the other, each given the earlier ones' values. */
export function templateAll(
  settings: Partial<Record<Chart, Settings>> = {},
  namespace = 'knitfab',
): Record<Chart, KubernetesObject[]> {
  const own = (chart: Chart): Settings => settings[chart] ?? {};
  const storage = allValues('knit-storage-nfs', own('knit-storage-nfs'));
  const certs = allValues('knit-certs', own('knit-certs'));
  const database = allValues('knit-db-postgres', own('knit-db-postgres'));
  const imageRegistry = allValues('knit-image-registry', own('knit-image-registry'));
  const given: Record<Chart, Settings> = {
    'knit-storage-nfs': {},
    'knit-certs': {},
    'knit-db-postgres': { storage },
    'knit-image-registry': { storage, certs },
    'knit-app': { storage, certs, database, imageRegistry },
  };
  const all = charts.map((chart) => [chart, template(chart, { ...given[chart], ...own(chart) }, namespace)]);
  return Object.fromEntries(all);
}
