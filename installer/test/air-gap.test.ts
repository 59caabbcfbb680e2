import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterWorkplace, kubectl, lacksCluster } from './cluster.ts';
import { folder, type Outcome } from './installer.ts';

const program = `ghcr.io/opst/knitfab/knitfab:v${JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8')).version}`;
const upstream = [
  'docker.io/library/postgres:18',
  'docker.io/library/registry:3',
  'docker.io/library/busybox:1',
];
/** How ctr reaches containerd of a node of this cluster, such as `ssh root@%node ctr`. */
const nodeCommand = process.env.KNIT_NODE_CTR ?? '';

function lacksImages(): string | undefined {
  const lack = lacksCluster('buildah', 'skopeo', 'curl');
  if (lack) return lack;
  if (!nodeCommand) return 'needs KNIT_NODE_CTR';
  using place = new ClusterWorkplace();
  const missing = [program, ...upstream].filter(
    (image) => place.run('buildah', 'inspect', image).status !== 0,
  );
  return missing.length === 0 ? undefined : `needs the images ${missing.join(', ')} in local storage`;
}

const lack = lacksImages();

// Images under names that no node knows and no registry has: what runs came out of the bundle.
describe.skipIf(lack)(
  `an installation from a bundle${lack ? ` (${lack})` : ''}`,
  { timeout: 600_000 },
  () => {
    let place: ClusterWorkplace;
    let site: string;
    const named = (image: string) => image.replace(/^[^/]*/, site);

    beforeAll(() => {
      place = new ClusterWorkplace();
      site = `${place.namespace}.test`;
      place.prepare();
      for (const image of [program, ...upstream]) place.run('buildah', 'tag', image, named(image));
      place.edit('knit-app', (values) =>
        values.setIn(['image', 'repository'], named('ghcr.io/opst/knitfab/knitfab')),
      );
      place.edit('knit-db-postgres', (values) =>
        values.setIn(['image', 'repository'], named('docker.io/library/postgres')),
      );
      place.edit('knit-image-registry', (values) => {
        values.setIn(['image', 'repository'], named('docker.io/library/registry'));
        values.setIn(['nodeCerts', 'image', 'repository'], named('docker.io/library/busybox'));
      });
    });

    afterAll(() => {
      for (const node of nodes()) {
        const command = nodeCommand.replaceAll('%node', node);
        place.run(
          'bash',
          '-c',
          `${command} -n k8s.io images ls -q | grep -e '${site}' -e ':${place.ports.registry}/' |
        xargs -r ${command} -n k8s.io images rm`,
        );
      }
      for (const image of [program, ...upstream]) place.run('buildah', 'rmi', named(image));
      place[Symbol.dispose]();
    });

    const nodes = () => kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}']).split(' ');
    const install = (...args: string[]): Outcome =>
      place.installer('-s', 'settings', '--timeout', '4m', ...args);

    test('begins with one archive of the charts and of each image that the settings name', () => {
      const { status, stderr } = place.run(
        join(folder, 'bundle.sh'),
        '--settings',
        'settings',
        '--from',
        'local',
        'b.tar',
      );
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const list = place.run('tar', '-tf', 'b.tar').stdout;
      expect(list).toContain('knitfab-bundle/installer.sh\n');
      expect(list.match(/charts\/knit-[a-z-]+-\d/g)).toHaveLength(5);
      const contents = place.run('tar', '-xOf', 'b.tar', 'knitfab-bundle/images/contents').stdout;
      expect(contents.match(/^image (\S+)/gm)?.sort()).toEqual(
        [program, ...upstream].map((image) => `image ${named(image)}`).sort(),
      );
      place.run('tar', '-xf', 'b.tar');
      expect(place.run('bash', '-c', 'cd knitfab-bundle && sha256sum -c --quiet SHA256SUMS').status).toBe(0);
    });

    test('is refused when the bundle is damaged or lacks an image', () => {
      const contents = join(place.path, 'knitfab-bundle/images/contents');
      const whole = readFileSync(contents, 'utf8');
      writeFileSync(contents, whole.replaceAll('library/postgres:18', 'library/postgres:17'));
      place.run('tar', '-cf', 'wrong.tar', 'knitfab-bundle');
      expect(install('--bundle', 'wrong.tar')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('wrong.tar is damaged: ./images/contents: FAILED'),
      });
      expect(place.installer('--check', '-s', 'settings', '--bundle', 'wrong.tar').stderr).toContain(
        `the bundle lacks the image ${named('docker.io/library/postgres:18')}`,
      );
    });

    test('says which images have to be loaded into which nodes, and makes an archive of them', {
      timeout: 300_000,
    }, () => {
      const { status, stderr } = install('--bundle', 'b.tar');
      expect(status).toBe(3);
      for (const node of nodes()) {
        expect(stderr).toContain(
          `  ${node}: ${named('docker.io/library/busybox:1')} ${named('docker.io/library/registry:3')}`,
        );
      }
      const archive = join(place.path, 'settings/node-images.tar');
      expect(stderr).toContain(`Copy ${archive} to each of them`);
      const inspected = place.run(
        'skopeo',
        'inspect',
        `oci-archive:${archive}:${named('docker.io/library/registry:3')}`,
      );
      expect(JSON.parse(inspected.stdout)).toMatchObject({ Architecture: expect.any(String) });
      expect(statSync(archive).size).toBeLessThan(statSync(join(place.path, 'b.tar')).size);
    });

    test('loads them, fills the cluster’s own registry, and runs everything else from there', {
      timeout: 600_000,
    }, () => {
      const { status, stdout, stderr } = install(
        '--bundle',
        'b.tar',
        '--node-import',
        `${nodeCommand} -n k8s.io images import -`,
      );
      expect({ status, stderr, stdout }).toMatchObject({ status: 0 });
      expect(existsSync(join(place.path, 'settings/node-images.tar'))).toBe(false);
      const pods = kubectl([
        ...['get', 'pods', '-n', place.namespace, '-o'],
        'jsonpath={range .items[*]}{.spec.containers[0].image}{"\\n"}{end}',
      ]);
      const registry = new RegExp(`^\\S+:${place.ports.registry}/`);
      for (const image of pods.trim().split('\n')) {
        if (!image.endsWith('/registry:3') && !image.endsWith('/busybox:1')) expect(image).toMatch(registry);
      }
      expect(pods.match(/opst\/knitfab/g)?.length).toBeGreaterThanOrEqual(8);
    });

    test('goes on with the same images when it is repeated without the bundle', () => {
      const images = () =>
        kubectl([
          ...['get', 'deployments', '-n', place.namespace, '-o'],
          'jsonpath={.items[*].spec.template.spec.containers[*].image}',
        ]);
      const before = images();
      expect(install()).toMatchObject({ status: 0 });
      expect(images()).toBe(before);
    });

    test('is removed without a trace by uninstall.sh --hard', () => {
      expect(place.run('settings/uninstall.sh', '--hard')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('give --yes if this is what you want'),
      });
      expect(place.run('settings/uninstall.sh', '--hard', '--yes')).toMatchObject({ status: 0 });
      expect(kubectl(['get', 'namespace', place.namespace, '--ignore-not-found'])).toBe('');
      const left = kubectl([
        ...[
          'get',
          'persistentvolumes,priorityclasses,storageclasses,clusterroles,clusterrolebindings,csidrivers',
          '-o',
        ],
        'jsonpath={range .items[*]}{.metadata.name} {.spec.claimRef.namespace} {.metadata.annotations}{"\\n"}{end}',
      ]);
      expect(left).not.toContain(place.namespace);
    });
  },
);
