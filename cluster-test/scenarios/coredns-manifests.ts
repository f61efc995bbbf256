/** The resources of a cluster's CoreDNS, as its installer and the controllers would write them. */
import { stringify } from 'yaml';

const NAMESPACE = 'kube-system';
const LABELS = { 'k8s-app': 'kube-dns' };
const HASH = '7fcc6d65dc';

/** The keys under which a real cluster's store holds them; those with `coredns` in them. */
export const COREDNS_KEYS: readonly string[] = [
  '/registry/clusterrolebindings/system:coredns',
  '/registry/clusterroles/system:coredns',
  '/registry/configmaps/kube-system/coredns',
  '/registry/deployments/kube-system/coredns',
  '/registry/events/kube-system/coredns-7fcc6d65dc-6njlg.1662c287aabf742b',
  '/registry/events/kube-system/coredns-7fcc6d65dc-6njlg.1662c288232143ae',
  '/registry/pods/kube-system/coredns-7fcc6d65dc-jvj26',
  '/registry/pods/kube-system/coredns-7fcc6d65dc-mgvtb',
  '/registry/pods/kube-system/coredns-7fcc6d65dc-whzq9',
  '/registry/replicasets/kube-system/coredns-7fcc6d65dc',
  '/registry/secrets/kube-system/coredns-token-hpqbt',
  '/registry/serviceaccounts/kube-system/coredns',
];

/** The names of the pods. */
export const POD_NAMES = ['jvj26', 'mgvtb', 'whzq9'].map((suffix) => `coredns-${HASH}-${suffix}`);

function meta(name: string, labels: object = LABELS): object {
  return { name, namespace: NAMESPACE, labels };
}

function podSpec(): object {
  return {
    serviceAccountName: 'coredns',
    containers: [
      {
        name: 'coredns',
        image: 'registry.k8s.io/coredns/coredns:v1.11.1',
        args: ['-conf', '/etc/coredns/Corefile'],
        ports: [
          { containerPort: 53, name: 'dns', protocol: 'UDP' },
          { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
        ],
        resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
        volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
      },
    ],
    volumes: [{ name: 'config-volume', configMap: { name: 'coredns' } }],
  };
}

function pod(name: string): object {
  const labels = { ...LABELS, 'pod-template-hash': HASH };
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta(name, labels), spec: podSpec() };
}

function event(suffix: string, reason: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: meta(`coredns-${HASH}-6njlg.${suffix}`, {}),
    involvedObject: { kind: 'Pod', namespace: NAMESPACE, name: `coredns-${HASH}-6njlg` },
    reason,
    message: `${reason} of a pod that is gone`,
    type: 'Normal',
    source: { component: 'kubelet' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  };
}

/** ServiceAccount, ClusterRole and binding, ConfigMap, Secret, Service. */
function access(): readonly object[] {
  const rbac = 'rbac.authorization.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('coredns') },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: {
        name: 'system:coredns',
        labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      },
      rules: [
        { apiGroups: [''], resources: ['endpoints', 'services', 'pods'], verbs: ['list', 'watch'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['list', 'watch'],
        },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
      subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: NAMESPACE }],
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: meta('coredns', {}),
      data: { Corefile: '.:53 {\n    errors\n    health\n    kubernetes cluster.local\n}\n' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: {
        ...meta('coredns-token-hpqbt', {}),
        annotations: { 'kubernetes.io/service-account.name': 'coredns' },
      },
      data: { namespace: 'a3ViZS1zeXN0ZW0=', token: 'c2VjcmV0' },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('kube-dns'),
      spec: {
        selector: LABELS,
        clusterIP: '10.96.0.10',
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
  ];
}

/** All of them, in an order in which they can be applied. */
export function corednsManifests(): string {
  const template = { metadata: { labels: LABELS }, spec: podSpec() };
  const workload = { replicas: 3, selector: { matchLabels: LABELS }, template };
  const labels = { ...LABELS, 'pod-template-hash': HASH };
  const objects = [
    ...access(),
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta('coredns'), spec: workload },
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: meta(`coredns-${HASH}`, labels),
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec() },
      },
    },
    ...POD_NAMES.map(pod),
    event('1662c287aabf742b', 'Scheduled'),
    event('1662c288232143ae', 'Pulled'),
  ];
  return objects.map((object) => stringify(object)).join('---\n');
}
