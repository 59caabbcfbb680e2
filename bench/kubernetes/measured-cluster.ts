import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { output } from '../../e2e/kubernetes/commands.ts';
import { Installation } from '../../e2e/kubernetes/installation.ts';
import { kubectl } from '../../e2e/kubernetes/kubectl.ts';
import { PortForward } from '../../e2e/kubernetes/port-forward.ts';
import { surroundings } from '../../e2e/kubernetes/surroundings.ts';
import { ApiProxy } from './api-proxy.ts';
import { BareJobs } from './bare-jobs.ts';

/** What all figures of the cluster edition are measured on. */
export interface MeasuredCluster {
  /** An installation, which is spoken to at 127.0.0.1. */
  readonly knitfab: Installation;
  /** What it took to install it from nothing; undefined when it was there already. */
  readonly installSeconds: number | undefined;
  /** Jobs in a namespace of their own. */
  readonly bare: BareJobs;
  readonly bareNamespace: string;
  readonly api: ApiProxy;
  /** A directory with one small file. */
  readonly source: string;
}

/** What there is to say when there is no cluster. */
export const noCluster = {
  values: [],
  comparedWith: 'not measured: KUBECONFIG names no cluster that answers',
};

const bareNamespace = 'knit-bench-bare';
const namespace = process.env.KNIT_E2E_NAMESPACE ?? 'knit-bench';
const closing: (() => Promise<unknown>)[] = [];
let opened: Promise<MeasuredCluster> | undefined;

/** The installation to measure: that whose settings KNIT_E2E_SETTINGS names, or a new one. Undefined without a cluster. */
export async function measuredCluster(): Promise<MeasuredCluster | undefined> {
  if (!surroundings.hasCluster) return undefined;
  opened ??= open();
  return opened;
}

/** Removes what was installed for the figures, when all are measured. */
export async function endMeasuredCluster(): Promise<void> {
  for (const close of closing.toReversed()) await close();
}

async function open(): Promise<MeasuredCluster> {
  const { knitfab, installSeconds } = await installed();
  const forward = await PortForward.to('service/knitd:443', knitfab.namespace);
  closing.push(() => forward[Symbol.asyncDispose]());
  await knitfab.connect(`https://127.0.0.1:${forward.port}/api`);
  const api = await ApiProxy.start();
  closing.push(() => api[Symbol.asyncDispose]());
  await kubectl('create', 'namespace', bareNamespace);
  closing.push(() => kubectl('delete', 'namespace', bareNamespace));
  const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
  closing.push(() => rm(source, { recursive: true }));
  await writeFile(join(source, 'file'), 'one line\n');
  return { knitfab, installSeconds, bare: new BareJobs(api, bareNamespace), bareNamespace, api, source };
}

async function installed(): Promise<{ knitfab: Installation; installSeconds: number | undefined }> {
  const settings = surroundings.settings ?? join(await mkdtemp(join(tmpdir(), 'knit-bench-')), 'settings');
  const place = dirname(settings);
  const directory = join(place, 'user');
  await mkdir(directory, { recursive: true });
  const knitfab = new Installation({ namespace, settings, directory });
  const begun = performance.now();
  if (surroundings.settings === undefined) {
    closing.push(async () => {
      await output([join(settings, 'uninstall.sh'), '--hard', '--yes']);
      await kubectl('delete', 'namespace', namespace, '--ignore-not-found');
      await rm(place, { recursive: true });
    });
    await knitfab.prepare();
    await knitfab.install();
  }
  const installSeconds = surroundings.settings === undefined ? (performance.now() - begun) / 1000 : undefined;
  // The profile of the handout leads to a node; figures that are loads speak to 127.0.0.1.
  const { code, stderr } = await knitfab.knit('init', join(knitfab.handout, 'knitprofile'));
  if (code !== 0) throw new Error(stderr);
  return { knitfab, installSeconds };
}
