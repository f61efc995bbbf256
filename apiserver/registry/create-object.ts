/** Create (K42): admission, the server's fields, validation, then "key absent" in the store. */
import { ApiError, generatedNameTaken, invalid, isApiError } from '../machinery/status';
import type { KubernetesObject } from '../machinery/object';
import type { StoredObject } from '../storage';
import { beforeCreate } from './before-create';
import { generateName, newUid } from './generate-name';
import {
  admissionAttributes,
  nowText,
  objectPath,
  type StoreParts,
  type WriteContext,
} from './store-parts';
import { validateMetadata } from './validate-metadata';

/** Creates an object; a generated name that is taken is drawn anew a few times. */
export async function createObject(
  parts: StoreParts,
  object: KubernetesObject,
  context: WriteContext,
): Promise<StoredObject> {
  const { definition, storage } = parts;
  const admitted = await admitNew(parts, object, context);
  const base = admitted.metadata.generateName ?? '';
  const isGenerated = (admitted.metadata.name ?? '') === '' && base !== '';
  let name = admitted.metadata.name ?? '';
  for (let attempt = 1; attempt <= parts.limits.generateNameAttemptsMax; attempt++) {
    if (isGenerated) name = generateName(base, parts.random);
    const prepared = await prepareNew(parts, { object: admitted, name }, context);
    try {
      return await storage.create(objectPath(definition, context.namespace, name), prepared, {
        ...ttlOf(parts),
        dryRun: context.isDryRun,
        signal: context.signal,
      });
    } catch (error) {
      if (!isGenerated || !isApiError(error, 'AlreadyExists')) throw error;
    }
  }
  throw generatedNameTaken(definition, name);
}

/** The object after mutating admission; refuses one that claims to be stored already. */
export async function admitNew(
  parts: StoreParts,
  object: KubernetesObject,
  context: WriteContext,
): Promise<KubernetesObject> {
  if ((object.metadata.resourceVersion ?? '') !== '') {
    // K42: 500 without a reason, as Kubernetes has it.
    const message = 'resourceVersion should not be set on objects to be created';
    throw new ApiError({ code: 500, reason: '', message });
  }
  const attributes = admissionAttributes(parts, context, {
    operation: 'create',
    name: object.metadata.name ?? '',
    object,
    oldObject: undefined,
  });
  return (await parts.admission.mutate(attributes)) ?? object;
}

/** The object as it is to be stored; throws if it is not valid or validating admission refuses. */
export async function prepareNew(
  parts: StoreParts,
  { object, name }: { readonly object: KubernetesObject; readonly name: string },
  context: WriteContext,
): Promise<KubernetesObject> {
  const { definition } = parts;
  const prepared = beforeCreate(definition, object, {
    namespace: context.namespace,
    name,
    uid: newUid(parts.random),
    now: nowText(parts),
  });
  const errors = [
    ...validateMetadata(definition, prepared),
    ...definition.strategy.validate(prepared),
  ];
  if (errors.length > 0)
    throw invalid(
      definition,
      name,
      errors.map((error) => ({ ...error })),
    );
  await parts.admission.validate(
    admissionAttributes(parts, context, {
      operation: 'create',
      name,
      object: prepared,
      oldObject: undefined,
    }),
  );
  return prepared;
}

/** The time to live of new objects of this resource, if they have one (K80). */
export function ttlOf({ definition }: StoreParts): { readonly ttlSeconds?: number } {
  const { ttlSeconds } = definition.strategy;
  return ttlSeconds === undefined ? {} : { ttlSeconds };
}
