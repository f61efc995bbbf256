/** Persistence of API objects: the `Storage` seam and its implementation on the store. */
export type * from './storage';
export {
  everything,
  parseSelection,
  type FieldRequirement,
  type LabelRequirement,
  type ObjectAttributes,
  type SelectableField,
  type SelectionPredicate,
} from './selection-predicate';
export { KvStorage } from './kv-storage';
export { decodePair, type KvResource, type KvStorageOptions } from './kv-resource';
export { changeKind, LAST_BOOKMARK_MS } from './kv-watch';
export { storageMetrics, type StorageMetrics } from './metrics';
export { decodeStored, EncodedObject, withoutKind, type Decoded } from './object-codec';
export {
  comparePaths,
  isInScope,
  nameOfPath,
  namespaceOfPath,
  pointPath,
  scopePrefix,
} from './object-key';
export { ObjectLeases, type ObjectLeaseLimits } from './object-lease';
export { resourceVersionOf, revisionAfter, revisionOf } from './resource-version';
export { continueAfter, decodeContinueToken, type ContinuePosition } from './continue-token';
