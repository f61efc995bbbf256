/**
 * One resource in one served version, with everything the handlers of its verbs need, and the way
 * between the served and the stored form (K78).
 */
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import type { ApiServerLimits } from '../limits';
import { encodeJson } from '../machinery/json';
import { apiVersionOf, type GroupVersionKind, type KubernetesObject } from '../machinery/object';
import type { TablePrinter } from '../machinery/table';
import type { RegistryStore, ResourceDefinition } from '../registry';
import type { BuiltinTypes } from '../schema';
import type { SelectableField, StoredObject } from '../storage';
import type { OpenWatches } from './open-watches';
import type { ApiMetrics } from './metrics';

/** What all handlers share. */
export interface HandlerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: ApiServerLimits;
  readonly types: BuiltinTypes;
  readonly metrics: ApiMetrics;
  readonly watches: OpenWatches;
}

/** A resource as its handlers see it. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly store: RegistryStore;
  readonly printer: TablePrinter;
  readonly selectable: readonly SelectableField[];
}

/** An object in the served version, parsed and as bytes. */
export interface ServedObject {
  readonly object: KubernetesObject;
  readonly json: Uint8Array;
}

/** The kind that a resource's bodies and answers have. */
export function servedKind({ group, version, kind }: ResourceDefinition): GroupVersionKind {
  return { group, version, kind };
}

/** Whether stored bytes can be served as they are. */
export function isServedAsStored(definition: ResourceDefinition): boolean {
  const storageGroup = definition.storageGroup ?? definition.group;
  return (
    definition.conversion === undefined &&
    definition.version === definition.storageVersion &&
    definition.group === storageGroup
  );
}

/** A stored object as this version shows it. */
export function toServed(definition: ResourceDefinition, stored: StoredObject): ServedObject {
  if (isServedAsStored(definition)) return stored;
  const object = toServedForm(definition, stored.object);
  return { object, json: encodeJson(object) };
}

/** The parsed part of {@link toServed}. */
export function toServedForm(
  definition: ResourceDefinition,
  object: KubernetesObject,
): KubernetesObject {
  if (isServedAsStored(definition)) return object;
  const converted = definition.conversion?.fromStored(object) ?? object;
  const head = { kind: definition.kind, apiVersion: apiVersionOf(definition) };
  const ordered: KubernetesObject = { ...head, metadata: {} };
  // Twice: once for the place, which is before everything else, once for the value.
  return { ...ordered, ...converted, ...head };
}

/** What a client of this version sent, in the form that is stored. */
export function toStoredForm(
  definition: ResourceDefinition,
  object: KubernetesObject,
): KubernetesObject {
  if (isServedAsStored(definition)) return object;
  const converted = definition.conversion?.toStored(object) ?? object;
  const group = definition.storageGroup ?? definition.group;
  const apiVersion = apiVersionOf({ group, version: definition.storageVersion });
  return { ...converted, kind: definition.kind, apiVersion };
}
