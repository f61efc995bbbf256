/**
 * What every new object goes through before the strategy's own hook and validation (K42): the
 * server's fields of metadata are set, the client's are dropped. Pure: time and uid come in.
 */
import type { KubernetesObject } from '../machinery/object';
import { isNamespaceResource, NAMESPACE_FINALIZER, namespaceFinalizers } from './finalizers';
import { withMetadata } from './object-meta';
import type { ResourceDefinition } from './resource';
import { isJsonObject } from '../machinery/json';

/** The label by which namespaces are selected by name (k8s: since 1.21 on each namespace). */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** What the server adds. */
export interface NewObjectFacts {
  readonly namespace: string;
  /** The given name, or a generated one. */
  readonly name: string;
  readonly uid: string;
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

/** The object as it is to be stored, before the strategy's validation. */
export function beforeCreate(
  definition: ResourceDefinition,
  object: KubernetesObject,
  facts: NewObjectFacts,
): KubernetesObject {
  const { strategy, isNamespaced } = definition;
  const identified = withMetadata(object, {
    name: facts.name,
    namespace: isNamespaced ? facts.namespace : undefined,
    uid: facts.uid,
    creationTimestamp: facts.now,
    generation: strategy.hasGeneration ? 1 : undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    resourceVersion: undefined,
  });
  const prepared = strategy.prepareForCreate(identified, { now: facts.now });
  return isNamespaceResource(definition) ? asNewNamespace(prepared) : prepared;
}

/** A namespace is held by a finalizer of its own from its first revision on (K87). */
function asNewNamespace(namespace: KubernetesObject): KubernetesObject {
  const labels = {
    ...namespace.metadata.labels,
    [NAMESPACE_NAME_LABEL]: namespace.metadata.name ?? '',
  };
  const finalizers = namespaceFinalizers(namespace);
  const spec = isJsonObject(namespace['spec']) ? namespace['spec'] : {};
  return {
    ...withMetadata(namespace, { labels }),
    spec: {
      ...spec,
      finalizers: finalizers.includes(NAMESPACE_FINALIZER)
        ? finalizers
        : [...finalizers, NAMESPACE_FINALIZER],
    },
    status: { phase: 'Active' },
  };
}
