/**
 * Update (K43 to K46, K48): PUT, PATCH, status, scale and finalize are one loop that differs in
 * how the new object is computed from the stored one. A write that empties the finalizers of a
 * marked object removes it instead.
 */
import { invalidField } from '../machinery/field-error';
import { encodeJson } from '../machinery/json';
import type { KubernetesObject } from '../machinery/object';
import { conflict, invalid, isApiError, notFound, objectModified } from '../machinery/status';
import type { StoredObject } from '../storage';
import { beforeUpdate, type UpdateTarget } from './before-update';
import { admitNew, prepareNew, ttlOf } from './create-object';
import { mayBeRemoved } from './finalizers';
import { withMetadata } from './object-meta';
import {
  admissionAttributes,
  nowText,
  objectPath,
  type StoreParts,
  type WriteContext,
} from './store-parts';
import { validateMetadata, validateMetadataUpdate } from './validate-metadata';

/** How the new object comes about. */
export interface ObjectChange {
  readonly target: UpdateTarget;
  /** The new object, computed from the stored one (undefined: there is none and it may be new). */
  apply(old: KubernetesObject | undefined): Promise<KubernetesObject>;
  /** Whether an absent object is created, where the resource allows it: PUT (K43). */
  readonly mayCreate: boolean;
}

/** What an update did. */
export interface UpdateResult {
  readonly stored: StoredObject;
  readonly isCreated: boolean;
}

/** Thrown through the store's loop: the object is to be removed rather than written. */
class FinalizersEmptied extends Error {
  readonly current: StoredObject;
  readonly object: KubernetesObject;

  constructor(current: StoredObject, object: KubernetesObject) {
    super('the last finalizer of a marked object was removed');
    this.current = current;
    this.object = object;
  }
}

/** Applies a change; lost races are retried with what is stored then. */
export async function updateObject(
  parts: StoreParts,
  name: string,
  change: ObjectChange,
  context: WriteContext,
): Promise<UpdateResult> {
  const path = objectPath(parts.definition, context.namespace, name);
  const options = { dryRun: context.isDryRun, signal: context.signal };
  let isCreated = false;
  for (;;) {
    try {
      const stored = await parts.storage.guaranteedUpdate(
        path,
        { uid: undefined, resourceVersion: undefined },
        async (current) => {
          isCreated = current === undefined;
          return current === undefined
            ? createInstead(parts, name, change, context)
            : {
                object: await changed(parts, { name, change, current }, context),
                // k8s: an event that is written again lives on for its full time.
                ...ttlOf(parts),
              };
        },
        options,
      );
      return { stored, isCreated };
    } catch (error) {
      if (!(error instanceof FinalizersEmptied)) throw error;
      const removed = await removeEmptied(parts, path, error, options);
      if (removed !== undefined) return { stored: removed, isCreated: false };
    }
  }
}

/** PUT on an absent object: a creation where the resource allows that, else 404. */
async function createInstead(
  parts: StoreParts,
  name: string,
  change: ObjectChange,
  context: WriteContext,
): Promise<{ readonly object: KubernetesObject; readonly ttlSeconds?: number }> {
  const { definition } = parts;
  if (!change.mayCreate || !definition.strategy.allowCreateOnUpdate) {
    throw notFound(definition, name);
  }
  const object = await admitNew(parts, await change.apply(undefined), context);
  return { object: await prepareNew(parts, { object, name }, context), ...ttlOf(parts) };
}

/** The object to write; storage leaves it at what is there if the bytes are the same (K44). */
async function changed(
  parts: StoreParts,
  { name, change, current }: { name: string; change: ObjectChange; current: StoredObject },
  context: WriteContext,
): Promise<KubernetesObject> {
  const { definition } = parts;
  const old = current.object;
  const applied = await change.apply(old);
  checkIdentity(parts, name, applied, current);
  const admitted = await parts.admission.mutate(
    admissionAttributes(parts, context, {
      operation: 'update',
      name,
      object: applied,
      oldObject: old,
    }),
  );
  const input = { object: admitted ?? applied, old, target: change.target };
  const object = beforeUpdate(definition, input, { now: nowText(parts) });
  const errors = [
    ...validateMetadataUpdate(object, old),
    ...validateMetadata(definition, object),
    ...(change.target === 'object'
      ? [
          ...definition.strategy.validate(object),
          ...definition.strategy.validateUpdate(object, old),
        ]
      : []),
  ];
  if (errors.length > 0)
    throw invalid(
      definition,
      name,
      errors.map((error) => ({ ...error })),
    );
  await parts.admission.validate(
    admissionAttributes(parts, context, { operation: 'update', name, object, oldObject: old }),
  );
  if (mayBeRemoved(definition, object)) throw new FinalizersEmptied(current, object);
  return object;
}

/** resourceVersion and uid of what the client sent must be the stored ones, if given (K43). */
function checkIdentity(
  { definition }: StoreParts,
  name: string,
  object: KubernetesObject,
  current: StoredObject,
): void {
  const { resourceVersion = '', uid = '' } = object.metadata;
  const stored = current.object.metadata.uid ?? '';
  if (uid !== '' && uid !== stored) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored}`;
    throw conflict(definition, name, why);
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    if (definition.strategy.allowUnconditionalUpdate) return;
    const { group, resource: kind } = definition;
    const text = 'must be specified for an update';
    throw invalid({ group, kind }, name, [
      { ...invalidField('metadata.resourceVersion', 0, text) },
    ]);
  }
  if (resourceVersion !== current.resourceVersion) throw objectModified(definition, name);
}

/** Removes the object; undefined if it changed meanwhile and the change must be computed anew. */
async function removeEmptied(
  parts: StoreParts,
  path: string,
  { current, object }: FinalizersEmptied,
  options: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const { resourceVersion } = current;
  const uid = current.object.metadata.uid;
  try {
    await parts.storage.delete(path, { uid, resourceVersion }, () => Promise.resolve(), options);
  } catch (error) {
    if (isApiError(error, 'Conflict')) return undefined;
    if (!isApiError(error, 'NotFound')) throw error;
  }
  // K48: the answer shows the object as the client left it, at the revision it had.
  const shown = withMetadata(object, { resourceVersion });
  return { path, resourceVersion, object: shown, json: encodeJson(shown) };
}
