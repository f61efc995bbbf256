/**
 * What every cluster begins with (K73), created by whichever API server comes first: several may
 * try at once, so an object that is there already is as good as one's own.
 */
import type { KubernetesObject } from '../../machinery/object';
import { isApiError } from '../../machinery/status';

/** The namespaces that always exist. */
export const BOOTSTRAP_NAMESPACES: readonly KubernetesObject[] = [
  'default',
  'kube-system',
  'kube-public',
  'kube-node-lease',
].map((name) => ({ kind: 'Namespace', apiVersion: 'v1', metadata: { name } }));

/** Creates one kind of object. */
export interface BootstrapStore {
  exists(name: string): Promise<boolean>;
  create(object: KubernetesObject): Promise<void>;
}

/** Creates those that are missing; those that are there stay as they are. */
export async function createMissing(
  store: BootstrapStore,
  objects: readonly KubernetesObject[],
): Promise<void> {
  for (const object of objects) {
    if (await store.exists(object.metadata.name ?? '')) continue;
    try {
      await store.create(object);
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
    }
  }
}
