/** What keeps a marked object alive, and what may still be added to it (K48). */
import type { KubernetesObject } from '../machinery/object';
import { isJsonObject } from '../machinery/json';
import type { ResourceDefinition } from './resource';

/** The finalizer that only the namespace controller removes, through `/finalize`. */
export const NAMESPACE_FINALIZER = 'kubernetes';

/**
 * All finalizers that hold the object: those of its metadata and, for a namespace, those of its
 * spec, which clients do not reach with a plain update.
 */
export function pendingFinalizers(
  definition: ResourceDefinition,
  object: KubernetesObject,
): readonly string[] {
  const own = object.metadata.finalizers ?? [];
  return isNamespaceResource(definition) ? [...own, ...namespaceFinalizers(object)] : own;
}

/** A namespace's `spec.finalizers`. */
export function namespaceFinalizers(namespace: KubernetesObject): readonly string[] {
  const spec = namespace['spec'];
  const finalizers = isJsonObject(spec) ? spec['finalizers'] : undefined;
  if (!Array.isArray(finalizers)) return [];
  return finalizers.filter((each): each is string => typeof each === 'string');
}

/** Whether the resource is the namespaces themselves. */
export function isNamespaceResource(definition: {
  readonly group: string;
  readonly resource: string;
}): boolean {
  return definition.group === '' && definition.resource === 'namespaces';
}

/** Whether a marked object may go now: nothing holds it and no grace is left. */
export function mayBeRemoved(definition: ResourceDefinition, object: KubernetesObject): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    pendingFinalizers(definition, object).length === 0
  );
}

/** The text of the refusal if a marked object would gain finalizers; undefined if it does not. */
export function newFinalizersText(
  after: readonly string[] | undefined,
  before: readonly string[] | undefined,
): string | undefined {
  const known = new Set(before ?? []);
  const found = (after ?? []).filter((each) => !known.has(each));
  if (found.length === 0) return undefined;
  const list = found.map((each) => JSON.stringify(each)).join(', ');
  return (
    'no new finalizers can be added if the object is being deleted, ' +
    `found new finalizers []string{${list}}`
  );
}
