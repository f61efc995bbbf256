/** The multi-version keyspace: its records, and the evaluation of commands on them. Pure. */
export { corrupt, decodeBody, RecordWriter, type RecordSink } from './checked-record';
export { dueGarbage, dueRevisions, garbageTarget } from './compaction-plan';
export {
  addToStateHash,
  CurrentRecordMaker,
  decodeCurrent,
  type CurrentRecord,
} from './current-column';
export { decodeGarbage, decodeHistory, type HistoryRecord } from './history';
export { decodeJournal, type JournalRecord } from './journal';
export {
  currentBounds,
  currentKey,
  historyBounds,
  historyKey,
  journalKey,
  leaseAttachmentBounds,
  NAMESPACE,
  namespaceBounds,
  revisionBounds,
  type Bounds,
} from './keyspace';
export { decodeAttachment, decodeLease, type LeaseRecord } from './lease-record';
export {
  decodeApplied,
  decodeClusterId,
  decodeFlushed,
  decodeMetaCounter,
  EMPTY_CONFIGURATION,
  emptyApplied,
  META_KEYS,
  putApplied,
  putClusterId,
  putFlushed,
  putMetaCounter,
  SCHEMA_VERSION,
  type AppliedRecord,
  type Configuration,
  type FlushedRecord,
} from './meta';
export { needsOfTxn, ReadSet, type RangeNeed } from './read-set';
export { continueFold, decodeRevisionLog, startFold, type RevisionLogRecord } from './revision-log';
export { makeEncoders, StagedState, type Encoders, type StateSource } from './staged-state';
export {
  checkLease,
  checkReadRevision,
  compactedError,
  evaluateTxn,
  futureError,
  leaseNotFound,
  withoutValue,
  type Evaluated,
} from './txn';
export { checkKey, checkRequestBytes, checkTxn } from './txn-check';
export { tombstone, WriteTxn, type Committed } from './write-txn';
