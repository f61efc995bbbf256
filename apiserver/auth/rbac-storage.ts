/** RBAC's objects read from the watch caches, at any version: no request waits for the store. */
import type { GroupResource } from '../machinery/object';
import { everything, type Storage } from '../storage';
import type { RbacSource } from './rbac';

const GROUP = 'rbac.authorization.k8s.io';

/** A source over the storages of the four RBAC resources. */
export function rbacFromStorage(storageOf: (resource: GroupResource) => Storage): RbacSource {
  const get = async (resource: string, path: string) =>
    (await storageOf({ group: GROUP, resource }).get(path, { kind: 'any' }))?.object;
  const list = async (resource: string, namespace: string | undefined) => {
    const { items } = await storageOf({ group: GROUP, resource }).list({
      scope: { namespace, name: undefined },
      freshness: { kind: 'any' },
      predicate: everything,
      limit: 0,
      continueToken: undefined,
    });
    return items.map((item) => item.object);
  };
  return {
    clusterRole: (name) => get('clusterroles', name),
    role: (namespace, name) => get('roles', `${namespace}/${name}`),
    clusterRoleBindings: () => list('clusterrolebindings', undefined),
    roleBindings: (namespace) => list('rolebindings', namespace),
  };
}
