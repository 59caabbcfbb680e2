import { describe, expect, test } from 'vitest';
import { type Chart, certificates, type Settings, template, whatHelmLacks } from './helm.ts';

const lack = whatHelmLacks();

const refused: [string, Chart, Settings, RegExp][] = [
  ['a misspelt value', 'knit-app', { 'knitd.prot': 30803 }, /'prot' not allowed/],
  ['a port that nodes do not have', 'knit-app', { 'knitd.port': 443 }, /\/knitd\/port.*minimum/],
  ['a port in quotes', 'knit-image-registry', { port: '30503' }, /\/port.*want integer/],
  [
    'a priority of the system’s own',
    'knit-app',
    { 'worker.priorityClass.value': 1_000_000_001 },
    /\/worker\/priorityClass\/value.*maximum/,
  ],
  ['a log level that does not exist', 'knit-app', { 'log.level': 'loud' }, /\/log\/level.*'warn'/],
  ['a volume that is more than full', 'knit-app', { 'vex.fullPercent': 120 }, /\/vex\/fullPercent.*maximum/],
  ['less than no replicas', 'knit-app', { 'loops.finishing.replicas': -1 }, /\/replicas.*minimum/],
  ['a size that is none', 'knit-db-postgres', { 'volume.size': 'plenty' }, /\/volume\/size/],
  ['a size of thousandths', 'knit-app', { 'volumes.size': '5m' }, /\/volumes\/size.*pattern/],
  ['a size without its unit', 'knit-app', { 'volumes.size': '5' }, /\/volumes\/size.*pattern/],
  ['a size of nothing', 'knit-image-registry', { 'volume.size': '0Gi' }, /\/volume\/size.*pattern/],
  [
    'a StorageClass that none can be called',
    'knit-app',
    { 'volumes.storageClass': 'Fast disks' },
    /\/volumes\/storageClass.*pattern/,
  ],
  [
    'a Secret that none can be called',
    'knit-db-postgres',
    { imagePullSecrets: [{ name: 'my_secret' }] },
    /\/imagePullSecrets\/0\/name.*pattern/,
  ],
  ['a node that none can be called', 'knit-storage-nfs', { 'nfs.node': 'node_1' }, /\/nfs\/node.*pattern/],
  [
    'a Service that none can be called',
    'knit-db-postgres',
    { service: 'Data_base' },
    /service is "Data_base", and no Service can be called so\. Set service to a letter/,
  ],
  [
    'an address with its scheme as a mirror',
    'knit-app',
    { imageMirror: 'https://example.com' },
    /\/imageMirror/,
  ],
  [
    'an NFS server of one’s own without its name',
    'knit-storage-nfs',
    { 'nfs.external': true },
    /nfs\.server is empty\. Set nfs\.server to the host name/,
  ],
  [
    'an NFS server that would not be used',
    'knit-storage-nfs',
    { 'nfs.server': 'nfs.example.com' },
    /Set nfs\.external to true/,
  ],
  [
    'two places for the NFS server’s files',
    'knit-storage-nfs',
    { 'nfs.hostPath': '/data', 'nfs.volumeClaim': 'mine' },
    /Leave one of them empty/,
  ],
  ['a path as an NFS server', 'knit-storage-nfs', { 'nfs.server': 'host/share' }, /\/nfs\/server/],
  ['a relative share', 'knit-storage-nfs', { 'nfs.share': 'data' }, /\/nfs\/share/],
  [
    'a database of one’s own without its address',
    'knit-db-postgres',
    { external: true },
    /Set service to its host name/,
  ],
  [
    'a certificate without its key',
    'knit-certs',
    { cacert: certificates.cacert, cert: certificates.cert },
    /cert is given, but not key/,
  ],
  ['a key without its certificate', 'knit-certs', { key: certificates.key }, /key is given, but not cert/],
  [
    'a certificate without who signed it',
    'knit-certs',
    { cert: certificates.cert, key: certificates.key },
    /but not cacert/,
  ],
  [
    'a certificate that is none',
    'knit-certs',
    { cacert: Buffer.from('hello').toString('base64') },
    /cacert is not a PEM file in base64.*base64 -w0/,
  ],
  [
    'a certificate that is not in base64',
    'knit-certs',
    { cacert: '-----BEGIN CERTIFICATE-----' },
    /\/cacert/,
  ],
  [
    'several registries on a volume of one node',
    'knit-image-registry',
    { replicas: 2, 'volume.accessMode': 'ReadWriteOnce' },
    /Set volume\.accessMode to ReadWriteMany, or replicas to 1/,
  ],
  [
    'hooks, which nothing calls',
    'knit-app',
    { hooks: { 'lifecycle-hooks': { before: ['http://hook.example.com'] } } },
    /calls no lifecycle hooks yet/,
  ],
  ['misspelt hooks', 'knit-app', { hooks: { before: ['http://hook.example.com'] } }, /Leave hooks empty/],
  [
    'extra Web APIs, which nothing serves',
    'knit-app',
    { extraApi: { endpoints: [{ path: '/x', proxy_to: 'http://x.example.com' }] } },
    /passes no requests on to other Web APIs yet/,
  ],
  ['misspelt Web APIs', 'knit-app', { extraApi: { endpoint: [{ path: '/x' }] } }, /Leave extraApi empty/],
  [
    'certificates for nodes where there are none',
    'knit-image-registry',
    { 'nodeCerts.use': true },
    /there is no CA for nodes to trust/,
  ],
];

describe.skipIf(lack !== undefined)(`values that are refused${lack ? ` (skipped: ${lack})` : ''}`, () => {
  test.each(refused)('%s', (_what, chart, settings, sentence) => {
    expect(() => template(chart, settings)).toThrow(sentence);
  });
});
