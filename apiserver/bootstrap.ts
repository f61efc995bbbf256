/** Creates what every cluster begins with (K73), as a client of the server itself. */
import { BOOTSTRAP_CLUSTER_ROLE_BINDINGS, BOOTSTRAP_CLUSTER_ROLES } from './auth';
import type { Loopback } from './loopback';
import type { KubernetesObject } from './machinery/object';
import { isApiError } from './machinery/status';
import { BOOTSTRAP_NAMESPACES, createMissing } from './registry';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Namespaces first: everything else may live in one. */
export async function bootstrap(loopback: Loopback, signal: AbortSignal): Promise<void> {
  const create = (path: string, objects: readonly KubernetesObject[]): Promise<void> =>
    createMissing(collection(loopback, path, signal), objects);
  await create('/api/v1/namespaces', BOOTSTRAP_NAMESPACES);
  await create(`${RBAC}/clusterroles`, BOOTSTRAP_CLUSTER_ROLES);
  await create(`${RBAC}/clusterrolebindings`, BOOTSTRAP_CLUSTER_ROLE_BINDINGS);
}

function collection(
  loopback: Loopback,
  path: string,
  signal: AbortSignal,
): Parameters<typeof createMissing>[0] {
  return {
    exists: async (name) => {
      try {
        await loopback.send({ method: 'GET', path: `${path}/${encodeURIComponent(name)}`, signal });
        return true;
      } catch (error) {
        if (isApiError(error, 'NotFound')) return false;
        throw error;
      }
    },
    create: async (object) => {
      await loopback.send({ method: 'POST', path, body: object, signal });
    },
  };
}
