/**
 * Authorization by stored Roles and bindings (K72): additive, default deny. The objects are read
 * from the watch caches (any version), as in Kubernetes: a change counts once the cache has it.
 */
import type { KubernetesObject } from '../machinery/object';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from './authorizer';
import {
  bindingOf,
  ruleAllows,
  rulesOf,
  type Binding,
  type PolicyRule,
  type Subject,
} from './rbac-rules';
import type { UserInfo } from './user';

/** Where the authorizer reads RBAC's objects; declared here, implemented by the assembly. */
export interface RbacSource {
  clusterRole(name: string): Promise<KubernetesObject | undefined>;
  role(namespace: string, name: string): Promise<KubernetesObject | undefined>;
  clusterRoleBindings(): Promise<readonly KubernetesObject[]>;
  roleBindings(namespace: string): Promise<readonly KubernetesObject[]>;
}

/** Evaluates Roles, ClusterRoles and their bindings. */
export class RbacAuthorizer implements Authorizer {
  readonly #source: RbacSource;

  constructor(source: RbacSource) {
    this.#source = source;
  }

  async authorize(attributes: AuthorizationAttributes): Promise<AuthorizationDecision> {
    const broken: string[] = [];
    for (const binding of await this.#bindingsFor(attributes)) {
      if (!binding.subjects.some((subject) => isSubject(subject, attributes.user, binding))) {
        continue;
      }
      const rules = await this.#rulesOf(binding);
      if (rules === undefined) broken.push(missingRole(binding));
      else if (rules.some((rule) => ruleAllows(rule, attributes))) {
        return { isAllowed: true, reason: describeGrant(binding) };
      }
    }
    return { isAllowed: false, reason: broken.length === 0 ? '' : `RBAC: ${broken.join(', ')}` };
  }

  /** Cluster bindings first, as Kubernetes does; those of a namespace only for requests in it. */
  async #bindingsFor(attributes: AuthorizationAttributes): Promise<readonly Binding[]> {
    const { target } = attributes;
    const cluster = await this.#source.clusterRoleBindings();
    const local =
      target.kind === 'resource' && target.namespace !== ''
        ? await this.#source.roleBindings(target.namespace)
        : [];
    return [...cluster, ...local].map(bindingOf);
  }

  /** The rules that a binding grants; undefined if its role does not exist. */
  async #rulesOf(binding: Binding): Promise<readonly PolicyRule[] | undefined> {
    const { kind, name } = binding.roleRef;
    const role =
      kind === 'ClusterRole'
        ? await this.#source.clusterRole(name)
        : kind === 'Role' && binding.namespace !== ''
          ? await this.#source.role(binding.namespace, name)
          : undefined;
    return role === undefined ? undefined : rulesOf(role);
  }
}

function isSubject(subject: Subject, user: UserInfo, binding: Binding): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.name === user.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount': {
      const namespace = subject.namespace === '' ? binding.namespace : subject.namespace;
      return namespace !== '' && user.name === `system:serviceaccount:${namespace}:${subject.name}`;
    }
    default:
      return false;
  }
}

function describeGrant(binding: Binding): string {
  const kind = binding.namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
  const name = binding.namespace === '' ? binding.name : `${binding.name}/${binding.namespace}`;
  return `RBAC: allowed by ${kind} "${name}" of ${binding.roleRef.kind} "${binding.roleRef.name}"`;
}

function missingRole(binding: Binding): string {
  const kind = binding.roleRef.kind.toLowerCase();
  return `${kind}.rbac.authorization.k8s.io "${binding.roleRef.name}" not found`;
}
