/**
 * Hand tables of names: short names, categories, key segments (K59, K77, K93). What is not in a
 * table follows the rule: no short name, no category, the plural as key segment. Facts of k8s
 * pkg/registry and pkg/kubeapiserver, which no npm package carries.
 */

/** Short names by `resource` or `resource.group`. */
const shortNames: Readonly<Record<string, readonly string[]>> = {
  certificatesigningrequests: ['csr'],
  componentstatuses: ['cs'],
  configmaps: ['cm'],
  cronjobs: ['cj'],
  customresourcedefinitions: ['crd', 'crds'],
  daemonsets: ['ds'],
  deployments: ['deploy'],
  endpoints: ['ep'],
  events: ['ev'],
  horizontalpodautoscalers: ['hpa'],
  ingresses: ['ing'],
  ipaddresses: ['ip'],
  limitranges: ['limits'],
  namespaces: ['ns'],
  networkpolicies: ['netpol'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  poddisruptionbudgets: ['pdb'],
  pods: ['po'],
  priorityclasses: ['pc'],
  replicasets: ['rs'],
  replicationcontrollers: ['rc'],
  resourcequotas: ['quota'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  statefulsets: ['sts'],
  storageclasses: ['sc'],
  volumeattributesclasses: ['vac'],
};

const inAll: ReadonlySet<string> = new Set([
  'cronjobs',
  'daemonsets',
  'deployments',
  'horizontalpodautoscalers',
  'jobs',
  'pods',
  'replicasets',
  'replicationcontrollers',
  'services',
  'statefulsets',
]);

const apiExtensions: ReadonlySet<string> = new Set([
  'apiservices',
  'customresourcedefinitions',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
]);

/** Key segments that are not the plural. */
const keySegments: Readonly<Record<string, string>> = {
  apiservices: 'apiregistration.k8s.io/apiservices',
  customresourcedefinitions: 'apiextensions.k8s.io/customresourcedefinitions',
  endpoints: 'services/endpoints',
  ingresses: 'ingress',
  nodes: 'minions',
  replicationcontrollers: 'controllers',
  services: 'services/specs',
};

/** `['deploy']` for deployments. */
export function shortNamesOf(resource: string): readonly string[] {
  return shortNames[resource] ?? [];
}

/** `all`, `api-extensions`, or nothing. */
export function categoriesOf(resource: string): readonly string[] {
  if (inAll.has(resource)) return ['all'];
  return apiExtensions.has(resource) ? ['api-extensions'] : [];
}

/** What stands in the key between the prefix and the namespace (K77). */
export function keySegmentOf(resource: string): string {
  return keySegments[resource] ?? resource;
}
