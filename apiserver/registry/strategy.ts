/**
 * What is special about a resource, as data and small pure hooks (K42 to K48, K93). The verbs of
 * `registry-store.ts` are the same for all resources and ask the strategy where kinds differ. A
 * hook never changes its argument: it returns the object to go on with.
 */
import type { FieldError } from '../machinery/field-error';
import type { KubernetesObject } from '../machinery/object';
import type { NameRule } from '../machinery/name-validation';

/** What a hook may know beyond the object. */
export interface StrategyContext {
  /** Now, RFC 3339 in whole seconds, for fields that record a time. */
  readonly now: string;
}

/** How one resource differs from the generic behaviour. */
export interface Strategy {
  /** False for reviews and other requests that are answered and never stored (K70). */
  readonly isStored: boolean;
  /** PUT on an absent object creates it (K43). */
  readonly allowCreateOnUpdate: boolean;
  /** PUT without resourceVersion overwrites; else it is a 422 (K43). */
  readonly allowUnconditionalUpdate: boolean;
  /** metadata.generation starts at 1 and grows with the spec (K45). */
  readonly hasGeneration: boolean;
  /** There is a /status subresource: writes to the resource keep the stored status (K46). */
  readonly hasStatus: boolean;
  /** DELETE answers with the object instead of a Status (K47). */
  readonly returnsDeletedObject: boolean;
  /** Which names are valid. */
  readonly nameRule: NameRule;
  /** Seconds after which a new object expires (events), if it does (K80). */
  readonly ttlSeconds: number | undefined;

  /** Whether the change from `old` to `object` counts as a new generation; metadata excluded. */
  changesGeneration(object: KubernetesObject, old: KubernetesObject): boolean;
  /** Fills in the fields the server sets when a client leaves them out (K88). */
  applyDefaults(object: KubernetesObject): KubernetesObject;
  /** The object as it is to be created: status reset where it has one, fields set by the server. */
  prepareForCreate(object: KubernetesObject, context: StrategyContext): KubernetesObject;
  /** The object as it is to be written by a PUT or PATCH of the resource itself. */
  prepareForUpdate(
    object: KubernetesObject,
    old: KubernetesObject,
    context: StrategyContext,
  ): KubernetesObject;
  /** The object as it is to be written through /status: everything else from `old`. */
  prepareForStatusUpdate(object: KubernetesObject, old: KubernetesObject): KubernetesObject;
  /** What is wrong with a new object beyond metadata and structure. */
  validate(object: KubernetesObject): readonly FieldError[];
  /** What is wrong with a change: immutable fields, mostly. Runs after `validate`. */
  validateUpdate(object: KubernetesObject, old: KubernetesObject): readonly FieldError[];
  /**
   * Grace of a deletion in seconds, given what the client asked for (undefined: nothing).
   * Undefined: the resource knows no graceful deletion (K48).
   */
  gracePeriodSeconds(object: KubernetesObject, requested: number | undefined): number | undefined;
  /** Values of the fields that field selectors may name, metadata.name and namespace included. */
  selectableFields(object: KubernetesObject): ReadonlyMap<string, string>;
}

/** Makes a strategy out of what differs from the most common behaviour. */
export function strategyOf(differences: Partial<Strategy> = {}): Strategy {
  return { ...commonStrategy, ...differences };
}

const same = (object: KubernetesObject): KubernetesObject => object;

const commonStrategy: Strategy = {
  isStored: true,
  allowCreateOnUpdate: false,
  allowUnconditionalUpdate: true,
  hasGeneration: false,
  hasStatus: false,
  returnsDeletedObject: false,
  nameRule: 'dnsSubdomain',
  ttlSeconds: undefined,
  changesGeneration: () => false,
  applyDefaults: same,
  prepareForCreate: same,
  prepareForUpdate: same,
  prepareForStatusUpdate: same,
  validate: () => [],
  validateUpdate: () => [],
  gracePeriodSeconds: () => undefined,
  selectableFields: metadataFields,
};

/** The two fields that every resource can be selected by. */
export function metadataFields(object: KubernetesObject): ReadonlyMap<string, string> {
  return new Map([
    ['metadata.name', object.metadata.name ?? ''],
    ['metadata.namespace', object.metadata.namespace ?? ''],
  ]);
}
