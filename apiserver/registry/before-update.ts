/**
 * What every changed object goes through before it is validated (K43 to K46): fields that belong
 * to the server come from the stored object, and generation grows when the spec does. Pure.
 */
import { isJsonObject } from '../machinery/json';
import type { KubernetesObject } from '../machinery/object';
import { isNamespaceResource } from './finalizers';
import { NAMESPACE_NAME_LABEL } from './before-create';
import { withMetadata } from './object-meta';
import type { ResourceDefinition } from './resource';
import type { StrategyContext } from './strategy';

/** Which part of an object a write is about. */
export type UpdateTarget = 'object' | 'status' | 'finalize';

/** The object as it is to be stored, if it is valid; `object` may leave server fields out. */
export function beforeUpdate(
  definition: ResourceDefinition,
  { object, old, target }: BeforeUpdateInput,
  context: StrategyContext,
): KubernetesObject {
  const { strategy } = definition;
  const kept = withMetadata(object, {
    // Left out means unchanged; another value is judged by validateMetadataUpdate.
    name: object.metadata.name ?? old.metadata.name,
    namespace: definition.isNamespaced
      ? (object.metadata.namespace ?? old.metadata.namespace)
      : undefined,
    uid: object.metadata.uid ?? old.metadata.uid,
    creationTimestamp: object.metadata.creationTimestamp ?? old.metadata.creationTimestamp,
    generateName: object.metadata.generateName ?? old.metadata.generateName,
    generation: old.metadata.generation,
    deletionTimestamp: old.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: old.metadata.deletionGracePeriodSeconds,
    resourceVersion: undefined,
  });
  const prepared = prepare(definition, { object: kept, old, target }, context);
  const isNewGeneration =
    strategy.hasGeneration && target === 'object' && strategy.changesGeneration(prepared, old);
  return withMetadata(prepared, {
    generation: isNewGeneration ? (old.metadata.generation ?? 0) + 1 : old.metadata.generation,
  });
}

/** A change and what it starts from. */
export interface BeforeUpdateInput {
  readonly object: KubernetesObject;
  readonly old: KubernetesObject;
  readonly target: UpdateTarget;
}

function prepare(
  definition: ResourceDefinition,
  { object, old, target }: BeforeUpdateInput,
  context: StrategyContext,
): KubernetesObject {
  switch (target) {
    case 'status':
      return definition.strategy.prepareForStatusUpdate(object, old);
    case 'finalize':
      return { ...withMetadata(old, { resourceVersion: undefined }), ...pickSpec(object, old) };
    case 'object': {
      const prepared = definition.strategy.prepareForUpdate(object, old, context);
      return isNamespaceResource(definition) ? asUpdatedNamespace(prepared, old) : prepared;
    }
  }
}

/** A plain write cannot touch spec.finalizers or status of a namespace; its name label stays. */
function asUpdatedNamespace(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const labels = {
    ...object.metadata.labels,
    [NAMESPACE_NAME_LABEL]: object.metadata.name ?? '',
  };
  const status = old['status'];
  return {
    ...keepSpecFinalizers(withMetadata(object, { labels }), old),
    ...(status === undefined ? {} : { status }),
  };
}

function keepSpecFinalizers(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const spec = isJsonObject(object['spec']) ? object['spec'] : {};
  const oldSpec = isJsonObject(old['spec']) ? old['spec'] : {};
  return { ...object, spec: { ...spec, finalizers: oldSpec['finalizers'] } };
}

/** `/finalize` changes the finalizers of the spec and nothing else. */
function pickSpec(
  object: KubernetesObject,
  old: KubernetesObject,
): { spec: KubernetesObject['spec'] } {
  const spec = isJsonObject(object['spec']) ? object['spec'] : {};
  const oldSpec = isJsonObject(old['spec']) ? old['spec'] : {};
  const finalizers = spec['finalizers'];
  const isNone = finalizers === undefined || (Array.isArray(finalizers) && finalizers.length === 0);
  return { spec: { ...oldSpec, finalizers: isNone ? undefined : finalizers } };
}
