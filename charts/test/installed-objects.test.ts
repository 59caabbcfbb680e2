import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Chart,
  certificates,
  find,
  type KubernetesObject,
  namesOf,
  render,
  type Settings,
  template,
  templateAll,
  whatHelmLacks,
} from './helm.ts';

const lack = whatHelmLacks();
const describeWithHelm = describe.skipIf(lack !== undefined);
const unless = lack ? ` (skipped: ${lack})` : '';

/** The administrator's guide, "Deployments and Services": Deployment, Service, port on every node. */
const table: [deployment: string, service?: string, nodePort?: number][] = [
  ['knitd', 'knitd', 30803],
  ['knitd-backend', 'knitd-backend'],
  ['database-postgres', 'database'],
  ['image-registry-registry', 'image-registry', 30503],
  ['csi-nfs-controller'],
  ['projection-leader'],
  ['initialize-leader'],
  ['run-management-leader'],
  ['finishing-leader'],
  ['garbage-collection-leader'],
  ['housekeeping-leader'],
];

describeWithHelm(`what is installed${unless}`, () => {
  let byChart: Record<Chart, KubernetesObject[]>;
  let all: KubernetesObject[];
  beforeAll(() => {
    byChart = templateAll({ 'knit-certs': certificates });
    all = Object.values(byChart).flat();
  });

  test.each(table)('the Deployment %s, with its Service and port', (deployment, service, nodePort) => {
    const { spec } = find(all, 'Deployment', deployment);
    if (service === undefined) return;
    const { spec: serviceSpec } = find(all, 'Service', service);
    expect(spec.template.metadata.labels).toMatchObject(serviceSpec.selector);
    expect(serviceSpec.ports[0].nodePort).toBe(nodePort);
    const ports = spec.template.spec.containers[0].ports;
    expect(ports.map(({ name }: { name: string }) => name)).toContain(serviceSpec.ports[0].targetPort);
  });

  test('nothing beside them but the NFS server', () => {
    expect(namesOf(all, 'Deployment')).toEqual([...table.map(([name]) => name), 'nfs-server'].sort());
    expect(namesOf(all, 'DaemonSet')).toEqual(['csi-nfs-node']);
  });

  test('the StorageClasses, Secrets, ConfigMaps and the PriorityClass that never preempts', () => {
    expect(namesOf(all, 'StorageClass')).toEqual(['knitfab-storage-data', 'knitfab-storage-system']);
    expect(namesOf(all, 'Secret')).toEqual([
      'ca-certs',
      'certs',
      'database-credential',
      'image-registry',
      'import-signing-key',
      'nfs-mount-options',
    ]);
    expect(namesOf(all, 'ConfigMap')).toEqual([
      'knitd-backend-config',
      'knitd-config',
      'knitfab-dashboard',
      'loops-config',
    ]);
    expect(find(all, 'PriorityClass', 'knitfab-worker')).toMatchObject({ preemptionPolicy: 'Never' });
  });

  test('every object is labelled with the system, its release, component and version', () => {
    for (const [chart, objects] of Object.entries(byChart)) {
      for (const { kind, metadata } of objects) {
        expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
          'app.kubernetes.io/name': 'knitfab',
          'app.kubernetes.io/instance': chart,
          'app.kubernetes.io/component': expect.stringMatching(/^[a-z-]+$/),
          'app.kubernetes.io/part-of': 'knitfab',
          'app.kubernetes.io/version': expect.stringMatching(/^v\d/),
          'app.kubernetes.io/managed-by': 'Helm',
        });
      }
    }
  });

  test('no two components share pods: each Deployment selects its own alone', () => {
    const pods = all.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet');
    const selectors = pods.map(({ spec }) => JSON.stringify(spec.selector.matchLabels));
    expect(new Set(selectors).size).toBe(pods.length);
  });

  test('a new version alone does not start the database or the registry anew', () => {
    for (const name of ['database-postgres', 'image-registry-registry', 'nfs-server']) {
      const { labels } = find(all, 'Deployment', name).spec.template.metadata;
      expect(Object.keys(labels)).not.toContain('app.kubernetes.io/version');
      expect(Object.keys(labels)).not.toContain('helm.sh/chart');
    }
  });

  test('whatever answers requests goes on for a while when it is told to end, and has time for the rest', () => {
    for (const name of ['knitd', 'knitd-backend', 'image-registry-registry']) {
      const { spec } = find(all, 'Deployment', name).spec.template;
      const [{ lifecycle, env }] = spec.containers;
      const [program, seconds] = lifecycle.preStop.exec.command;
      expect(program, name).toBe('sleep');
      expect(Number(seconds), name).toBeGreaterThanOrEqual(5);
      // biome-ignore lint/suspicious/noExplicitAny: a container's environment
      const drain = env.find((variable: any) => variable.name === 'REGISTRY_HTTP_DRAINTIMEOUT')?.value;
      // A component ends within 20 s of the signal.
      const ending = drain === undefined ? 20 : Number.parseInt(drain, 10);
      expect(spec.terminationGracePeriodSeconds, name).toBeGreaterThanOrEqual(Number(seconds) + ending + 5);
    }
  });

  test('everything that runs asks for what it needs, and has a limit of memory', () => {
    for (const { metadata, container } of containers(all)) {
      expect(container.resources, `${metadata.name}/${container.name}`).toMatchObject({
        requests: { cpu: expect.anything(), memory: expect.anything() },
        limits: { memory: expect.anything() },
      });
    }
  });

  test('the migration runs before the rest, and needs nothing that is installed after it', () => {
    const { metadata, spec } = find(byChart['knit-app'], 'Job', 'migrate');
    expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const { serviceAccountName, volumes, containers: programs } = spec.template.spec;
    expect(serviceAccountName).toBeUndefined();
    expect(JSON.stringify(volumes)).not.toMatch(/configMap|secret/);
    const secrets = programs[0].env.flatMap(
      // biome-ignore lint/suspicious/noExplicitAny: a pod's environment
      (variable: any) => variable.valueFrom?.secretKeyRef?.name ?? [],
    );
    expect(new Set(secrets)).toEqual(new Set(['database-credential']));
  });
});

describeWithHelm(`what values change${unless}`, () => {
  test('an existing StorageClass: nothing of NFS, and the class is used by everything', () => {
    const objects = templateAll({ 'knit-storage-nfs': { storageClass: 'fast' } });
    expect(objects['knit-storage-nfs']).toEqual([]);
    for (const chart of ['knit-db-postgres', 'knit-image-registry'] as const) {
      const [claim] = objects[chart].filter(({ kind }) => kind === 'PersistentVolumeClaim');
      expect(claim?.spec.storageClassName).toBe('fast');
    }
    expect(configurationOf(objects['knit-app'], 'loops-config').volumes).toMatchObject({
      storageClass: 'fast',
    });
  });

  test('an NFS server of one’s own: StorageClasses that name it, and none in the cluster', () => {
    const { 'knit-storage-nfs': objects } = templateAll({
      'knit-storage-nfs': { 'nfs.external': true, 'nfs.server': 'nfs.example.com', 'nfs.share': '/knitfab' },
    });
    expect(namesOf(objects, 'Deployment')).toEqual(['csi-nfs-controller']);
    for (const name of namesOf(objects, 'StorageClass'))
      expect(find(objects, 'StorageClass', name)).toMatchObject({
        parameters: { server: 'nfs.example.com', share: '/knitfab', mountPermissions: '0777' },
        mountOptions: ['nfsvers=4.1', 'rsize=8192', 'wsize=8192', 'hard', 'nolock'],
      });
  });

  test('mount options of none: the StorageClasses name none, and their Secret has nothing in it', () => {
    const server = { 'nfs.external': true, 'nfs.server': 'nfs.example.com' };
    for (const none of ['', null]) {
      const objects = template('knit-storage-nfs', { ...server, 'nfs.mountOptions': none });
      for (const name of namesOf(objects, 'StorageClass'))
        expect(find(objects, 'StorageClass', name).mountOptions).toBeUndefined();
      expect(find(objects, 'Secret', 'nfs-mount-options').data).toEqual({ mountOptions: '' });
    }
  });

  test('other names of StorageClasses reach the charts that use them', () => {
    const objects = templateAll({
      'knit-storage-nfs': { 'storageClasses.system.name': 'sys', 'storageClasses.data.name': 'dat' },
    });
    expect(
      find(objects['knit-db-postgres'], 'PersistentVolumeClaim', 'database-postgres').spec,
    ).toMatchObject({
      storageClassName: 'sys',
    });
    expect(configurationOf(objects['knit-app'], 'knitd-backend-config').volumes).toMatchObject({
      storageClass: 'dat',
    });
  });

  test('the in-cluster NFS server keeps its files where it is told, on the node it is told', () => {
    const { 'knit-storage-nfs': objects } = templateAll({
      'knit-storage-nfs': { 'nfs.hostPath': '/var/lib/knitfab', 'nfs.node': 'nfs-server' },
    });
    const { spec } = find(objects, 'Deployment', 'nfs-server').spec.template;
    expect(spec.volumes).toContainEqual({
      name: 'export',
      hostPath: { path: '/var/lib/knitfab', type: 'DirectoryOrCreate' },
    });
    expect(JSON.stringify(spec.affinity)).toContain('"values":["nfs-server"]');
  });

  test('certificates make knitd and the registry speak HTTPS; without any they speak HTTP', () => {
    const secure = templateAll({ 'knit-certs': certificates });
    expect(find(secure['knit-app'], 'Service', 'knitd').spec.ports[0].port).toBe(443);
    expect(
      JSON.stringify(find(secure['knit-image-registry'], 'Deployment', 'image-registry-registry')),
    ).toContain('REGISTRY_HTTP_TLS_CERTIFICATE');
    const plain = templateAll();
    expect(plain['knit-certs']).toEqual([]);
    expect(find(plain['knit-app'], 'Service', 'knitd').spec.ports[0].port).toBe(80);
    expect(
      JSON.stringify(find(plain['knit-image-registry'], 'Deployment', 'image-registry-registry')),
    ).not.toContain('TLS');
  });

  test('the CA’s private key gets into no object', () => {
    const cakey = Buffer.from('-----BEGIN PRIVATE KEY-----\nsecret of the CA\n').toString('base64');
    const objects = templateAll({ 'knit-certs': { ...certificates, cakey } });
    expect(JSON.stringify(objects)).not.toContain(cakey);
  });

  test('a renewed certificate starts the registry anew, which reads it but once', () => {
    const [before, after] = [certificates, { ...certificates, cert: certificates.cacert }].map(
      (certs) =>
        find(
          templateAll({ 'knit-certs': certs })['knit-image-registry'],
          'Deployment',
          'image-registry-registry',
        ).spec.template.metadata.annotations,
    );
    expect(before).not.toEqual(after);
  });

  test('an external database: no server, its address and credential for every component', () => {
    const objects = templateAll({
      'knit-db-postgres': {
        external: true,
        service: 'db.example.com',
        port: 6432,
        'credential.secret': 'mine',
      },
    });
    expect(objects['knit-db-postgres']).toEqual([]);
    for (const { container, metadata } of containers(objects['knit-app'])) {
      expect(container.env, metadata.name).toEqual(
        expect.arrayContaining([
          { name: 'PGHOST', value: 'db.example.com' },
          { name: 'PGPORT', value: '6432' },
          { name: 'PGPASSWORD', valueFrom: { secretKeyRef: { name: 'mine', key: 'password' } } },
        ]),
      );
    }
  });

  test('an external database that demands TLS: every component knows its authority', () => {
    const external = {
      external: true,
      service: 'db.example.com',
      'tls.mode': 'verify-full',
      'tls.caSecret': 'database-authority',
    };
    const { 'knit-app': objects } = templateAll({ 'knit-db-postgres': external });
    const all = containers(objects);
    expect(all.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['knitd', 'migrate']));
    for (const { container, metadata, pod } of all) {
      expect(container.env, metadata.name).toEqual(
        expect.arrayContaining([
          { name: 'PGSSLMODE', value: 'verify-full' },
          { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/knitfab/database/ca.crt' },
        ]),
      );
      const volume = pod.volumes.find(({ name }: { name: string }) => name === 'configuration');
      expect(volume.projected.sources, metadata.name).toContainEqual({
        secret: { name: 'database-authority', items: [{ key: 'ca.crt', path: 'database/ca.crt' }] },
      });
      expect(container.volumeMounts).toContainEqual({
        name: 'configuration',
        mountPath: '/etc/knitfab',
        readOnly: true,
      });
    }
    const inCluster = templateAll({ 'knit-db-postgres': { 'tls.mode': 'verify-full' } });
    for (const { container } of containers(inCluster['knit-app']))
      expect(container.env).toContainEqual({ name: 'PGSSLMODE', value: 'disable' });
  });

  test('an ephemeral database has no volume', () => {
    const { 'knit-db-postgres': objects } = templateAll({ 'knit-db-postgres': { ephemeral: true } });
    expect(namesOf(objects, 'PersistentVolumeClaim')).toEqual([]);
  });

  test('a password that is given is used', () => {
    const { 'knit-db-postgres': objects } = templateAll({
      'knit-db-postgres': { 'credential.password': 'pass: "word"' },
    });
    const { data } = find(objects, 'Secret', 'database-credential');
    expect(Buffer.from(data.password, 'base64').toString()).toBe('pass: "word"');
  });

  test('an external registry: none is installed', () => {
    expect(templateAll({ 'knit-image-registry': { external: true } })['knit-image-registry']).toEqual([]);
  });

  test('names of extensions with nothing below them say nothing', () => {
    const empty = { hooks: { 'lifecycle-hooks': { before: [], after: null } }, extraApi: { endpoints: [] } };
    expect(namesOf(template('knit-app', empty), 'Deployment')).toContain('knitd');
  });

  test.each([-2_000_000_000, -1, 0, 1_000_000_000])('workers have the priority %d to the digit', (value) => {
    const text = render('knit-app', { 'worker.priorityClass.value': value });
    expect(text.match(/^kind: PriorityClass$[\s\S]*?^value: (.*)$/m)?.[1]).toBe(String(value));
  });

  test('a registry on a volume of one node: its pod goes before the next one comes', () => {
    const { 'knit-image-registry': objects } = templateAll({
      'knit-image-registry': { 'volume.storageClass': 'local', 'volume.accessMode': 'ReadWriteOnce' },
    });
    expect(find(objects, 'PersistentVolumeClaim', 'image-registry').spec).toMatchObject({
      storageClassName: 'local',
      accessModes: ['ReadWriteOnce'],
    });
    expect(find(objects, 'Deployment', 'image-registry-registry').spec.strategy).toEqual({
      type: 'Recreate',
    });
  });

  test('ports, domain, log level and deadline of one’s own', () => {
    const { 'knit-app': app, 'knit-image-registry': registry } = templateAll({
      'knit-app': {
        'knitd.port': 31000,
        clusterTLD: 'corp.example',
        'log.level': 'debug',
        'worker.startDeadlineSeconds': 60,
      },
      'knit-image-registry': { port: 31001 },
    });
    expect(find(app, 'Service', 'knitd').spec.ports[0].nodePort).toBe(31000);
    expect(find(registry, 'Service', 'image-registry').spec.ports[0].nodePort).toBe(31001);
    expect(configurationOf(app, 'knitd-config')).toMatchObject({
      clusterTLD: 'corp.example',
      log: { level: 'debug' },
      worker: { startDeadlineSeconds: 60 },
    });
  });

  test('nothing depends on the cluster’s domain: components are told it, and call each other by names without it', () => {
    const { 'knit-app': app, ...others } = templateAll({
      'knit-certs': certificates,
      'knit-app': { clusterTLD: 'corp.example' },
    });
    const configured = app.filter(({ kind }) => kind === 'ConfigMap');
    expect(configurationOf(configured, 'knitd-config')).toMatchObject({
      clusterTLD: 'corp.example',
      backend: 'http://knitd-backend:8080',
    });
    const rest = [...app.filter((object) => !configured.includes(object)), ...Object.values(others).flat()];
    expect(JSON.stringify(rest)).not.toMatch(/corp\.example|cluster\.local/);
  });

  test('a mirror takes the place of every image’s registry', () => {
    const mirror = { imageMirror: '10.0.0.1:30503/copies' };
    const objects = Object.values(
      templateAll({
        'knit-storage-nfs': mirror,
        'knit-db-postgres': mirror,
        'knit-image-registry': { ...mirror, 'nodeCerts.use': true },
        'knit-certs': certificates,
        'knit-app': mirror,
      }),
    ).flat();
    const images = containers(objects).map(({ container }) => container.image);
    expect(images).toContain('10.0.0.1:30503/copies/library/postgres:18');
    expect(images).toContain('10.0.0.1:30503/copies/opst/knitfab/knitfab:v0.1.0');
    expect(images.filter((image) => !image.startsWith('10.0.0.1:30503/copies/'))).toEqual([]);
    expect(configurationOf(objects, 'loops-config').image).toMatch(/^10\.0\.0\.1:30503\/copies\/opst\//);
  });

  test('a changed configuration starts the components anew that have it', () => {
    const annotations = ['info', 'debug'].map(
      (level) =>
        find(templateAll({ 'knit-app': { 'log.level': level } })['knit-app'], 'Deployment', 'knitd').spec
          .template.metadata.annotations['checksum/config'],
    );
    expect(annotations[0]).not.toBe(annotations[1]);
  });

  test('components run in any number; of several a drained node takes one at a time', () => {
    const { 'knit-app': app } = templateAll({
      'knit-app': { 'knitd.replicas': 3, 'loops.finishing.replicas': 0 },
    });
    expect(find(app, 'Deployment', 'knitd').spec.replicas).toBe(3);
    expect(find(app, 'Deployment', 'finishing-leader').spec.replicas).toBe(0);
    expect(namesOf(app, 'PodDisruptionBudget')).toEqual(['knitd']);
  });

  test('vex runs on every node where it is wanted, and nowhere otherwise', () => {
    expect(namesOf(templateAll()['knit-app'], 'DaemonSet')).toEqual([]);
    const { 'knit-app': app } = templateAll({ 'knit-app': { 'vex.use': true } });
    expect(find(app, 'DaemonSet', 'vex').spec.template.spec.tolerations).toEqual([{ operator: 'Exists' }]);
  });

  test('no NetworkPolicies where they are not wanted', () => {
    const without = { 'networkPolicy.use': false };
    const objects = Object.values(
      templateAll({
        'knit-storage-nfs': without,
        'knit-db-postgres': without,
        'knit-image-registry': without,
        'knit-app': without,
      }),
    ).flat();
    expect(namesOf(objects, 'NetworkPolicy')).toEqual([]);
  });

  test('two installations share no name that is known in the whole cluster, when theirs are chosen apart', () => {
    const first = Object.values(templateAll({}, 'one')).flat();
    const second = Object.values(
      templateAll(
        {
          'knit-storage-nfs': {
            'storageClasses.data.name': 'two-data',
            'storageClasses.system.name': 'two-system',
            'csi.driverName': 'two.nfs.csi.k8s.io',
          },
          'knit-app': { 'worker.priorityClass.name': 'two-worker' },
        },
        'two',
      ),
    ).flat();
    const clusterWide = ['StorageClass', 'CSIDriver', 'ClusterRole', 'ClusterRoleBinding', 'PriorityClass'];
    for (const kind of clusterWide) {
      const taken = new Set(namesOf(first, kind));
      expect(taken.size, kind).toBeGreaterThan(0);
      expect(namesOf(second, kind).filter((name) => taken.has(name))).toEqual([]);
    }
  });
});

describeWithHelm(`who may speak to whom${unless}`, () => {
  let all: KubernetesObject[];
  beforeAll(() => {
    all = Object.values(templateAll({ 'knit-certs': certificates })).flat();
  });

  test('every component that listens has a policy', () => {
    const covered = all
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/component']);
    expect(covered).toEqual(
      expect.arrayContaining(
        all
          .filter(({ kind, spec }) => kind === 'Deployment' && !spec.template.spec.hostNetwork)
          .map(({ metadata }) => metadata.name),
      ),
    );
  });

  test('Data Agents reach knitd-backend and nothing else, and nobody reaches them', () => {
    const { spec } = find(all, 'NetworkPolicy', 'data-agent');
    expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], ingress: [] });
    expect(spec.egress).toEqual([
      {
        to: [{ podSelector: { matchLabels: find(all, 'Service', 'knitd-backend').spec.selector } }],
        ports: [{ port: 'web' }],
      },
    ]);
  });

  test('a worker is reached by knitd-backend and run-management alone, on its log’s port', () => {
    const allowed = ['knitd-backend', 'run-management-leader'];
    expect(find(all, 'NetworkPolicy', 'worker').spec.ingress).toEqual([
      {
        from: allowed.map((name) => ({ podSelector: find(all, 'Deployment', name).spec.selector })),
        ports: [{ port: 8081 }],
      },
    ]);
  });

  test('the database is reached by every component that is told where it is, and by nobody else', () => {
    const [{ from }] = find(all, 'NetworkPolicy', 'database-postgres').spec.ingress;
    const users = containers(all)
      .filter(({ container }) => JSON.stringify(container.env ?? []).includes('PGHOST'))
      .map(({ labels }) => labels);
    expect(users.length).toBeGreaterThan(8);
    for (const labels of users) expect(labels).toMatchObject(from[0].podSelector.matchLabels);
    expect(componentsOf(from)).toEqual(users.map((labels) => labels['app.kubernetes.io/component']).sort());
  });

  test('the NFS server is reached by whom its addresses name; by everybody, who can’t all be named by addresses, otherwise', () => {
    const ports = [{ port: 'nfs', protocol: 'TCP' }];
    const ingressFor = (settings: Settings) =>
      find(template('knit-storage-nfs', settings), 'NetworkPolicy', 'nfs-server').spec.ingress;
    expect(ingressFor({})).toEqual([{ ports }]);
    expect(ingressFor({ 'nfs.allowedCIDRs': ['10.0.0.0/24', '::/0'] })).toEqual([
      { ports, from: [{ ipBlock: { cidr: '10.0.0.0/24' } }, { ipBlock: { cidr: '::/0' } }] },
    ]);
  });

  test('knitd-backend is reached by knitd, Data Agents and whom the values name', () => {
    const importing = { podSelector: { matchLabels: { imports: 'true' } } };
    const policies = [{}, { 'networkPolicy.backendClients': [importing] }].map(
      (settings) =>
        find(templateAll({ 'knit-app': settings })['knit-app'], 'NetworkPolicy', 'knitd-backend').spec
          .ingress[0],
    );
    for (const { from, ports } of policies) {
      expect(componentsOf(from)).toEqual(['data-agent', 'knitd']);
      expect(ports).toEqual([{ port: 'web' }]);
    }
    expect(policies.map(({ from }) => from.slice(1))).toEqual([[], [importing]]);
  });
});

/** The components that the first entry of a policy's `from` names. */
function componentsOf([{ podSelector }]: [{ podSelector: KubernetesObject['spec'] }]): string[] {
  const [{ values }] = podSelector.matchExpressions;
  expect(podSelector).toEqual({
    matchLabels: { 'app.kubernetes.io/name': 'knitfab' },
    matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'In', values }],
  });
  return values.toSorted();
}

/** The containers of everything that runs. */
function containers(objects: readonly KubernetesObject[]) {
  return objects
    .filter(({ kind }) => ['Deployment', 'DaemonSet', 'Job'].includes(kind))
    .flatMap(({ metadata, spec }) =>
      // biome-ignore lint/suspicious/noExplicitAny: a container's many fields
      spec.template.spec.containers.map((container: any) => ({
        metadata,
        labels: spec.template.metadata.labels,
        pod: spec.template.spec,
        container,
      })),
    );
}

const configurationOf = (objects: readonly KubernetesObject[], name: string) =>
  JSON.parse(find(objects, 'ConfigMap', name).data['config.json']);
