import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { lacks, type Outcome, Workplace } from './installer.ts';

/** Why tests that need a cluster can't run, if so. */
export const lacksCluster = (...programs: string[]): string | undefined =>
  process.env.KUBECONFIG ? lacks('helm', 'kubectl', 'openssl', ...programs) : 'needs KUBECONFIG';

/** Runs kubectl. @throws {Error} with what it says when it fails */
export function kubectl(args: readonly string[], input?: unknown): string {
  const { status, stdout, stderr } = spawnSync('kubectl', args, {
    encoding: 'utf8',
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A workplace that knows a cluster, with a namespace, ports and names that no other installation has. */
export class ClusterWorkplace extends Workplace {
  readonly namespace = `knit-installer-${randomBytes(4).toString('hex')}`;
  /** Not the ports that an installation has by default. */
  readonly ports = { registry: 32_000 + randomPort(), knitd: 32_000 + randomPort() };

  constructor() {
    super();
    this.environment.KUBECONFIG = process.env.KUBECONFIG ?? '';
  }

  /** Makes `settings` by --prepare. */
  prepare(...args: string[]): Outcome {
    const outcome = this.installer('--prepare', '-n', this.namespace, '-s', 'settings', ...args);
    this.edit('knit-app', (values) => {
      values.setIn(['knitd', 'port'], this.ports.knitd);
      values.setIn(['worker', 'priorityClass', 'name'], this.namespace);
    });
    this.edit('knit-image-registry', (values) => {
      values.set('port', this.ports.registry);
      const { KNIT_NODE_CERTS, KNIT_NODE_CERTS_SUBPATH } = process.env;
      if (KNIT_NODE_CERTS) values.setIn(['nodeCerts', 'hostPath'], KNIT_NODE_CERTS);
      if (KNIT_NODE_CERTS_SUBPATH) values.setIn(['nodeCerts', 'subPath'], KNIT_NODE_CERTS_SUBPATH);
    });
    this.edit('knit-storage-nfs', (values) => {
      values.set('storageClass', process.env.KNIT_STORAGE_CLASS ?? 'shared');
    });
    return outcome;
  }

  /** Changes values as an administrator would with an editor. */
  edit(chart: string, change: (values: ReturnType<typeof parseDocument>) => void): void {
    const file = `${this.path}/settings/values/${chart}.yaml`;
    const values = parseDocument(readFileSync(file, 'utf8'));
    change(values);
    writeFileSync(file, values.toString());
  }

  override [Symbol.dispose](): void {
    this.run('settings/uninstall.sh', '--hard', '--yes');
    kubectl(['delete', 'namespace', this.namespace, '--ignore-not-found', '--wait=false']);
    super[Symbol.dispose]();
  }
}

function randomPort(): number {
  const port = randomBytes(2).readUInt16BE() % 767;
  return port === 747 || port === 748 ? 746 : port;
}
