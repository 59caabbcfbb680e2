import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@knitfab/api';
import { type Document, parse, parseDocument } from 'yaml';
import { KnitUser } from '../knit-user.ts';
import { type CommandOptions, output, run, type Said } from './commands.ts';
import { kubectl, list } from './kubectl.ts';
import { surroundings } from './surroundings.ts';

const installer = fileURLToPath(new URL('../../installer/installer.sh', import.meta.url));

interface KnitProfile {
  readonly apiRoot: string;
  readonly cert?: { readonly ca: string };
}

/** The Deployments of the app itself, as the administrator's guide names them. */
export const appDeployments = [
  'knitd',
  'knitd-backend',
  'projection-leader',
  'initialize-leader',
  'run-management-leader',
  'finishing-leader',
  'garbage-collection-leader',
  'housekeeping-leader',
];

/** One installation in a cluster, as its administrator and its users have it. */
export class Installation extends KnitUser {
  readonly namespace: string;
  /** What `installer.sh --prepare` makes. */
  readonly settings: string;
  #client: Client | undefined;
  #apiRoot: string | undefined;

  /** @param directory where its users work */
  constructor({
    namespace,
    settings,
    directory,
  }: { namespace: string; settings: string; directory: string }) {
    super(directory);
    this.namespace = namespace;
    this.settings = settings;
  }

  /** What users are given. */
  get handout(): string {
    return join(this.settings, 'handout');
  }

  override get client(): Client {
    if (this.#client === undefined) throw new Error('nobody has connected yet');
    return this.#client;
  }

  override get environment(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.directory, NO_COLOR: '1' };
  }

  async profile(): Promise<KnitProfile> {
    return parse(await readFile(join(this.handout, 'knitprofile'), 'utf8')) as KnitProfile;
  }

  /** Reads the handout, and speaks to the server that it names from now on; or to another address of the same server. */
  async connect(apiRoot?: string): Promise<this> {
    const { apiRoot: handedOut, cert } = await this.profile();
    this.#apiRoot = apiRoot ?? handedOut;
    this.#client = createClient({
      apiRoot: this.#apiRoot,
      ...(cert && { ca: Buffer.from(cert.ca, 'base64') }),
    });
    return this;
  }

  /** The certificate authority of server and registry, PEM; undefined when there is no TLS. */
  async certificateAuthority(): Promise<Buffer | undefined> {
    const { cert } = await this.profile();
    return cert && Buffer.from(cert.ca, 'base64');
  }

  /** Runs `installer.sh`, however it ends. */
  installer(args: readonly string[], options: CommandOptions = {}): Promise<Said> {
    return run([installer, ...args], options);
  }

  /** Makes settings: for volumes of this cluster, and nodes that trust the registry. */
  async prepare(): Promise<void> {
    const { KUBECONFIG = '' } = process.env;
    const { storageClass, nodeCerts } = surroundings;
    const place = ['--kubeconfig', KUBECONFIG, '-n', this.namespace, '-s', this.settings];
    await output([installer, '--prepare', ...place, '--storage-class', storageClass]);
    // What is waited for is waited for in a test, too.
    await this.edit('knit-app', (values) => {
      values.setIn(['worker', 'imageDeadlineSeconds'], 40);
      values.setIn(['worker', 'mountDeadlineSeconds'], 40);
      values.setIn(['worker', 'nodeLossSeconds'], 20);
    });
    await this.edit('knit-image-registry', (values) => {
      values.setIn(['nodeCerts', 'hostPath'], nodeCerts.hostPath);
      values.setIn(['nodeCerts', 'subPath'], nodeCerts.subPath);
    });
  }

  /** Changes the values of a chart, as an administrator would with an editor. */
  async edit(chart: string, change: (values: Document) => void): Promise<void> {
    const file = join(this.settings, 'values', `${chart}.yaml`);
    const values = parseDocument(await readFile(file, 'utf8'));
    change(values);
    await writeFile(file, values.toString());
  }

  /** Installs, or upgrades, and waits until it stands. */
  install(...args: string[]): Promise<string> {
    const { KUBECONFIG = '' } = process.env;
    return output([
      installer,
      '--install',
      '--kubeconfig',
      KUBECONFIG,
      '-n',
      this.namespace,
      '-s',
      this.settings,
      ...args,
    ]);
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl('--namespace', this.namespace, ...args);
  }

  list(...args: string[]) {
    return list('--namespace', this.namespace, ...args);
  }

  /** Waits until all of a Deployment's replicas are ready. */
  async rolledOut(deployment: string): Promise<void> {
    await this.kubectl('rollout', 'status', `deployment/${deployment}`, '--timeout=180s');
  }

  /** The pods of a component, by the name of its Deployment. */
  pods(component: string) {
    return this.list('pods', `--selector=app.kubernetes.io/component=${component}`);
  }
}
