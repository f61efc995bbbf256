/**
 * What a DELETE does to an object, decided from its present state (K47, K48). Pure: the store's
 * loop asks again whenever the object changed meanwhile.
 *
 *   no finalizer, no grace ─────────────► remove
 *   finalizer or grace     ─► mark ─► … ─► removed by the write that empties the finalizers,
 *                              │            or by a DELETE with grace 0
 *                              └─ DELETE again: keep, unless it shortens the grace
 */
import { isJsonObject } from '../machinery/json';
import type { KubernetesObject } from '../machinery/object';
import { isNamespaceResource, pendingFinalizers } from './finalizers';
import { isMarkedDeleted, withMetadata } from './object-meta';
import type { ResourceDefinition } from './resource';
import { formatTime, parseTime } from '../machinery/time';

/** What a deletion does. */
export type DeletionDecision =
  | { readonly kind: 'remove' }
  | { readonly kind: 'mark'; readonly object: KubernetesObject }
  /** Already marked, and this request changes nothing. */
  | { readonly kind: 'keep' };

/** Decides. `requestedSeconds` is the grace the client asked for, if it did. */
export function decideDeletion(
  definition: ResourceDefinition,
  object: KubernetesObject,
  { requestedSeconds, nowMs }: { requestedSeconds: number | undefined; nowMs: number },
): DeletionDecision {
  // k8s: a negative grace is a mistake of a client that meant "soon" (K47).
  const requested = requestedSeconds !== undefined && requestedSeconds < 0 ? 1 : requestedSeconds;
  const grace = definition.strategy.gracePeriodSeconds(object, requested) ?? 0;
  const isHeld = pendingFinalizers(definition, object).length > 0;
  if (isMarkedDeleted(object)) return decideAgain(object, { requested, grace, isHeld });
  if (grace === 0 && !isHeld) return { kind: 'remove' };
  const marked = withMetadata(object, {
    resourceVersion: undefined,
    deletionTimestamp: formatTime(nowMs + grace * 1000),
    deletionGracePeriodSeconds: grace,
    generation: nextGeneration(object),
  });
  return { kind: 'mark', object: isNamespaceResource(definition) ? terminating(marked) : marked };
}

/** Of an object that is marked: only a shorter grace changes anything. */
function decideAgain(
  object: KubernetesObject,
  facts: {
    readonly requested: number | undefined;
    readonly grace: number;
    readonly isHeld: boolean;
  },
): DeletionDecision {
  const left = object.metadata.deletionGracePeriodSeconds ?? 0;
  const wanted = facts.requested === undefined ? left : Math.min(facts.grace, left);
  if (wanted === 0 && !facts.isHeld) return { kind: 'remove' };
  if (wanted === left) return { kind: 'keep' };
  const end = parseTime(object.metadata.deletionTimestamp ?? '') ?? 0;
  const shortened = withMetadata(object, {
    resourceVersion: undefined,
    deletionTimestamp: formatTime(end - (left - wanted) * 1000),
    deletionGracePeriodSeconds: wanted,
  });
  return { kind: 'mark', object: shortened };
}

function nextGeneration({ metadata }: KubernetesObject): number | undefined {
  return metadata.generation === undefined ? undefined : metadata.generation + 1;
}

function terminating(namespace: KubernetesObject): KubernetesObject {
  const status = isJsonObject(namespace['status']) ? namespace['status'] : {};
  return { ...namespace, status: { ...status, phase: 'Terminating' } };
}
