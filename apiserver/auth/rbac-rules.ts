/**
 * RBAC's objects as typed records (rbac.authorization.k8s.io/v1), and whether one rule covers one
 * request (K72). Stored objects are data from outside: anything malformed in them matches nothing.
 */
import type { Json, JsonObject, KubernetesObject } from '../machinery/object';
import type { AuthorizationAttributes } from './authorizer';

/** One rule of a role. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Whom a binding is for. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** Which role a binding grants. */
export interface RoleRef {
  readonly kind: string;
  readonly name: string;
}

/** A RoleBinding or ClusterRoleBinding. */
export interface Binding {
  readonly name: string;
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly subjects: readonly Subject[];
  readonly roleRef: RoleRef;
}

/** The rules of a stored Role or ClusterRole. */
export function rulesOf(role: KubernetesObject): readonly PolicyRule[] {
  return list(role['rules']).map((rule) => ({
    verbs: texts(rule['verbs']),
    apiGroups: texts(rule['apiGroups']),
    resources: texts(rule['resources']),
    resourceNames: texts(rule['resourceNames']),
    nonResourceURLs: texts(rule['nonResourceURLs']),
  }));
}

/** A stored binding. */
export function bindingOf(object: KubernetesObject): Binding {
  const roleRef = asObject(object['roleRef']);
  return {
    name: object.metadata.name ?? '',
    namespace: object.metadata.namespace ?? '',
    subjects: list(object['subjects']).map((subject) => ({
      kind: text(subject['kind']),
      name: text(subject['name']),
      namespace: text(subject['namespace']),
    })),
    roleRef: { kind: text(roleRef['kind']), name: text(roleRef['name']) },
  };
}

/** Whether a rule allows what is asked. */
export function ruleAllows(rule: PolicyRule, attributes: AuthorizationAttributes): boolean {
  const { verb, target } = attributes;
  if (!has(rule.verbs, verb)) return false;
  if (target.kind === 'nonResource') {
    return rule.nonResourceURLs.some((url) => urlMatches(url, target.path));
  }
  return (
    has(rule.apiGroups, target.group) &&
    rule.resources.some((name) => resourceMatches(name, target.resource, target.subresource)) &&
    // An empty list means every name; a request without a name matches no named rule.
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(target.name))
  );
}

function has(allowed: readonly string[], wanted: string): boolean {
  return allowed.includes('*') || allowed.includes(wanted);
}

/** `pods`, `pods/log`, `*` (all, subresources too) and a star before `/scale` (one subresource of all). */
function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === '*') return true;
  if (subresource === '') return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

/** A path, or a prefix that ends in `*`. */
function urlMatches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function list(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(asObject) : [];
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
