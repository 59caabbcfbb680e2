import { readFile } from 'node:fs/promises';

export type GuideLanguage = 'en' | 'ja';

/** A named block of the administrator's guide: ```sh NAME is a script for bash, ```yaml values/CHART.yaml a part of a settings file. */
export interface GuideBlock {
  readonly kind: 'sh' | 'yaml';
  readonly name: string;
  readonly text: string;
}

/** Blocks that are not run in the tests' cluster, and why. */
export const notRunHere: Readonly<Record<string, string>> = {
  images: 'pushes to a registry of the administrator; the tests build the same images and load them',
  'single-node': 'changes the nodes of a cluster that others may use; its effect is that of Kubernetes',
  'prepare-with-certificates': 'names files of the administrator; installer/test runs it with real ones',
  'prepare-with-authority': 'names files of the administrator; installer/test runs it with real ones',
  'values/knit-storage-nfs.yaml': 'names an NFS server; the kernel of the test machines has no NFS client',
  'trust-by-hand': "is run on a node, in the node's own /etc; the DaemonSet that does the same is run",
  'handout-host': 'names a domain that does not exist; installer/test runs it',
  'backup-database': 'needs pg_dump, which postgres:18 of the test cluster lacks; the official image has it',
  'restore-database': 'needs dropdb, createdb and psql, which that image lacks, too',
  bundle: 'fetches every image from the internet; installer/test makes and installs a bundle of local images',
  'install-bundle': 'installs from that bundle',
};

const path: Record<GuideLanguage, URL> = {
  en: new URL('../../docs/admin-guide.md', import.meta.url),
  ja: new URL('../../docs/ja/admin-guide.md', import.meta.url),
};

export const guide = (language: GuideLanguage): Promise<string> => readFile(path[language], 'utf8');

const fence = /^(?<quote>(?:> ?)*)```(?<kind>sh|yaml) (?<name>\S+)\n(?<text>[\s\S]*?)^\k<quote>```$/gm;

/** The named blocks of a guide, from top to bottom, without the marks of a quotation that they stand in. */
export function guideBlocks(page: string): GuideBlock[] {
  return [...page.matchAll(fence)].map(({ groups: { quote = '', kind, name = '', text = '' } = {} }) => ({
    kind: kind as GuideBlock['kind'],
    name,
    text: quote === '' ? text : text.replaceAll(/^> ?/gm, ''),
  }));
}

/** A block as bash or YAML reads it: the comments are in the guide's own language. */
export const withoutComments = ({ text }: GuideBlock): string => text.replaceAll(/(^|\s+)#.*$/gm, '');
