/** Persistence of API objects: the `Storage` seam and its implementation on the store. */
export type * from './storage';
export {
  attributesOf,
  everything,
  parseSelection,
  selectionPredicate,
  type FieldRequirement,
  type LabelRequirement,
  type ObjectAttributes,
  type SelectableField,
  type SelectionPredicate,
} from './selection-predicate';
export { KvStorage } from './kv-storage';
export { corruptValue, decodePair, type KvResource, type KvStorageOptions } from './kv-resource';
export { BOOKMARK_PERIOD_MS, changeKind, LAST_BOOKMARK_MS } from './kv-watch';
export { storageMetrics, type StorageMetrics } from './metrics';
export {
  decodeStored,
  EncodedObject,
  UndecodableValue,
  withoutKind,
  type Decoded,
} from './object-codec';
export {
  comparePaths,
  isInScope,
  nameOfPath,
  namespaceOfPath,
  ObjectKeys,
  pointPath,
  scopePrefix,
} from './object-key';
export { ObjectLeases, type ObjectLeaseLimits } from './object-lease';
export { NO_REVISION, resourceVersionOf, revisionAfter, revisionOf } from './resource-version';
export {
  continueAfter,
  decodeContinueToken,
  encodeContinueToken,
  type ContinuePosition,
} from './continue-token';
export { toApiError, translated } from './errors';
