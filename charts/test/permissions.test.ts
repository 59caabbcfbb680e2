import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, listOf, makeNamespace, removeNamespace } from './cluster.ts';
import { type KubernetesObject, type Settings, template, whatTheClusterLacks } from './helm.ts';

const lack = whatTheClusterLacks();

/** What each component's code asks of the Kubernetes API, verb by verb. */
const used: Record<string, string[]> = {
  knitd: [],
  'projection-leader': [],
  'knitd-backend': [
    'create persistentvolumeclaims',
    'get persistentvolumeclaims',
    'watch persistentvolumeclaims',
    'patch persistentvolumeclaims',
    'create pods',
    'list pods',
    'watch pods',
    'delete pods',
    'get jobs',
    'list events',
    'list persistentvolumeclaims',
    'delete persistentvolumeclaims',
    'list jobs',
    'delete jobs',
  ],
  'initialize-leader': [
    'create persistentvolumeclaims',
    'get persistentvolumeclaims',
    'watch persistentvolumeclaims',
    'patch persistentvolumeclaims',
  ],
  'run-management-leader': [
    'create jobs',
    'get jobs',
    'list jobs',
    'watch jobs',
    'list pods',
    'watch pods',
    'list events',
    'get persistentvolumeclaims',
    'get serviceaccounts',
    'get secrets registry',
    'get secrets trainer-registry',
  ],
  'finishing-leader': [
    'delete jobs',
    'list pods',
    'delete pods',
    'create persistentvolumeclaims',
    'get persistentvolumeclaims',
  ],
  'garbage-collection-leader': ['delete persistentvolumeclaims'],
  vex: ['get persistentvolumeclaims', 'patch persistentvolumeclaims'],
  'housekeeping-leader': ['list jobs', 'delete jobs', 'get pods', 'list pods', 'delete pods'],
};

interface Rule {
  readonly verbs: string[];
  readonly resources?: string[];
  readonly resourceNames?: string[];
}

describe.skipIf(lack !== undefined)(
  `permissions of the components${lack ? ` (skipped: ${lack})` : ''}`,
  () => {
    let namespace: string;
    beforeAll(() => {
      namespace = makeNamespace();
      const objects = template(
        'knit-app',
        {
          imagePullSecrets: [{ name: 'registry' }],
          'worker.imagePullSecrets': [{ name: 'trainer-registry' }],
          'vex.use': true,
        },
        namespace,
      );
      const access = ['ServiceAccount', 'Role', 'RoleBinding'];
      kubectl(
        ['apply', '--namespace', namespace, '-f', '-'],
        listOf(objects.filter(({ kind }) => access.includes(kind))),
      );
    });
    afterAll(() => removeNamespace(namespace));

    test.each(Object.entries(used))('%s may do what it does, and no more', (component, expected) => {
      expect(rulesOf(namespace, component)).toEqual(new Set(expected));
    });

    test('what matters most, as kubectl auth can-i tells it', () => {
      const answer = (component: string, ...what: string[]): string => {
        const account = `system:serviceaccount:${namespace}:${component}`;
        try {
          return kubectl(['auth', 'can-i', ...what, '--namespace', namespace, '--as', account]).trim();
        } catch {
          return 'no';
        }
      };
      expect(answer('run-management-leader', 'create', 'jobs')).toBe('yes');
      expect(answer('run-management-leader', 'get', 'secrets/registry')).toBe('yes');
      expect(answer('run-management-leader', 'get', 'secrets/certs')).toBe('no');
      expect(answer('knitd-backend', 'create', 'pods')).toBe('yes');
      expect(answer('knitd-backend', 'create', 'pods', '--subresource=exec')).toBe('no');
      expect(answer('knitd', 'list', 'pods')).toBe('no');
    });

    test('no component has a right outside its namespace, but to list nodes and their taints, and for vex to read how full volumes are', () => {
      const clusterRules = (settings: Settings) =>
        template('knit-app', settings, namespace)
          .filter(({ kind }) => kind === 'ClusterRole')
          .map(({ rules }) => rules);
      const listNodes = [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }];
      expect(clusterRules({})).toEqual([listNodes]);
      expect(clusterRules({ 'worker.readNodes': false })).toEqual([]);
      expect(clusterRules({ 'vex.use': true, 'worker.readNodes': false })).toEqual([
        [{ apiGroups: [''], resources: ['nodes/stats'], verbs: ['get'] }],
      ]);
    });
  },
);

/** Everything that an account may do in a namespace beyond what every account may, as "VERB RESOURCE [NAME]". */
function rulesOf(namespace: string, component: string): Set<string> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  };
  const ask = (account: string): Set<string> => {
    const answer: KubernetesObject = JSON.parse(
      kubectl(
        [
          'create',
          '--validate=false',
          '-o',
          'json',
          '-f',
          '-',
          '--as',
          `system:serviceaccount:${namespace}:${account}`,
        ],
        review,
      ),
    );
    const rules: Rule[] = answer.status.resourceRules;
    return new Set(
      rules.flatMap(({ verbs, resources = [], resourceNames = [''] }) =>
        verbs.flatMap((verb) =>
          resources.flatMap((resource) =>
            resourceNames.map((name) => [verb, resource, name].filter(Boolean).join(' ')),
          ),
        ),
      ),
    );
  };
  const anybody = ask('nobody-in-particular');
  return ask(component).difference(anybody);
}
