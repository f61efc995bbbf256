/**
 * The roles and bindings that every cluster begins with (K73), as data: what an authenticated user
 * needs for discovery, and the role that grants everything. The larger default set (admin, edit,
 * view, the controllers' roles) comes with the controllers that use it.
 */
import type { KubernetesObject } from '../machinery/object';
import { WELL_KNOWN } from './user';

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const ANNOTATIONS = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };
const API_VERSION = 'rbac.authorization.k8s.io/v1';

const PUBLIC_INFO_PATHS = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const DISCOVERY_PATHS = [
  ...['/api', '/api/*', '/apis', '/apis/*'],
  ...['/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version', '/version/'],
];

function clusterRole(name: string, rules: readonly Record<string, string[]>[]): KubernetesObject {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: { name, labels: LABELS, annotations: ANNOTATIONS },
    rules,
  };
}

function clusterRoleBinding(name: string, groups: readonly string[]): KubernetesObject {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: LABELS, annotations: ANNOTATIONS },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: groups.map((group) => ({
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Group',
      name: group,
    })),
  };
}

/** ClusterRoles to create where they are missing. */
export const BOOTSTRAP_CLUSTER_ROLES: readonly KubernetesObject[] = [
  clusterRole('cluster-admin', [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]),
  clusterRole('system:discovery', [{ verbs: ['get'], nonResourceURLs: DISCOVERY_PATHS }]),
  clusterRole('system:public-info-viewer', [
    { verbs: ['get'], nonResourceURLs: PUBLIC_INFO_PATHS },
  ]),
  clusterRole('system:basic-user', [
    {
      verbs: ['create'],
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    },
    {
      verbs: ['create'],
      apiGroups: ['authentication.k8s.io'],
      resources: ['selfsubjectreviews'],
    },
  ]),
];

/** ClusterRoleBindings to create where they are missing; each is named after its role. */
export const BOOTSTRAP_CLUSTER_ROLE_BINDINGS: readonly KubernetesObject[] = [
  clusterRoleBinding('cluster-admin', [WELL_KNOWN.mastersGroup]),
  clusterRoleBinding('system:discovery', [WELL_KNOWN.authenticatedGroup]),
  clusterRoleBinding('system:basic-user', [WELL_KNOWN.authenticatedGroup]),
  clusterRoleBinding('system:public-info-viewer', [
    WELL_KNOWN.authenticatedGroup,
    WELL_KNOWN.unauthenticatedGroup,
  ]),
];
