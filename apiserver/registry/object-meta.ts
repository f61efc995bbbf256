/** Changes of object metadata by the server; fields that hold nothing are left out. */
import type { KubernetesObject, ObjectMeta } from '../machinery/object';

/** What the server may set or, with undefined, take away. */
export type MetaChanges = {
  readonly [
    Field in
      | 'name'
      | 'generateName'
      | 'namespace'
      | 'uid'
      | 'resourceVersion'
      | 'generation'
      | 'creationTimestamp'
      | 'deletionTimestamp'
      | 'deletionGracePeriodSeconds'
      | 'labels'
      | 'annotations'
      | 'finalizers'
  ]?: ObjectMeta[Field] | undefined;
};

/**
 * The object with its metadata changed. Empty lists, maps and texts are left out, as Kubernetes
 * leaves them out: `labels: {}` and no labels are the same object and must have the same bytes
 * (K44). The order of fields does not matter, storage writes a canonical one.
 */
export function withMetadata(object: KubernetesObject, changes: MetaChanges): KubernetesObject {
  const merged: Readonly<Record<string, ObjectMeta[string]>> = { ...object.metadata, ...changes };
  const metadata: Record<string, ObjectMeta[string]> = {};
  for (const [field, value] of Object.entries(merged)) {
    if (value !== undefined && value !== null && value !== '' && !isEmpty(value)) {
      metadata[field] = value;
    }
  }
  return { ...object, metadata };
}

/** Whether a deletion of this object was accepted and waits for finalizers or grace. */
export function isMarkedDeleted(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

function isEmpty(value: ObjectMeta[string]): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
