/**
 * Evaluates a transaction: which path is taken is decided on the state before it (S22), then every
 * check is made (S20), then the operations run in order and cannot fail any more.
 */
import { assert, assertNever } from '../../base/assert';
import { EMPTY_BYTES } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { storeError, type StoreError } from '../errors';
import type {
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  Revision,
  Txn,
  TxnResult,
} from '../kv';
import type { CurrentRecord } from './current-column';
import { asRange, type RangeOrKey } from './read-set';
import type { StagedState } from './staged-state';
import { checkTxn } from './txn-check';
import { WriteTxn, type Committed } from './write-txn';

/** A transaction with the path through it decided. */
interface Decided {
  readonly succeeded: boolean;
  readonly steps: readonly (Exclude<Operation, { kind: 'txn' }> | Decided)[];
}

/** What evaluating gave: an answer and perhaps changes, or a failure and certainly none. */
export type Evaluated<T> =
  | { readonly result: T; readonly committed: Committed | undefined }
  | { readonly failure: StoreError };

/** Evaluates a transaction on the state and stages its changes. */
export function evaluateTxn(state: StagedState, txn: Txn): Evaluated<TxnResult> {
  const invalid = checkTxn(txn);
  if (invalid !== undefined) return { failure: invalid };
  const decided = decide(state, txn);
  const refused = checkSteps(state, decided);
  if (refused !== undefined) return { failure: refused };
  const write = new WriteTxn(state);
  const nested: { revision: Revision }[] = [];
  const result = run(state, write, decided, nested);
  const committed = write.commit();
  // Every answer names the revision that the whole transaction led to.
  for (const answer of nested) answer.revision = state.revision;
  assert(committed === undefined || committed.revision === state.revision, 'S23');
  return { result, committed };
}

/** The failure of a read at `revision`, if it cannot be made; 0 is the latest. */
export function checkReadRevision(
  revision: Revision,
  bounds: { readonly current: Revision; readonly compact: Revision },
): StoreError | undefined {
  if (revision === 0) return undefined;
  if (revision < bounds.compact) return compactedError(revision, bounds.compact);
  if (revision > bounds.current) return futureError(revision, bounds.current);
  return undefined;
}

/** `STORE_COMPACTED`, with the compact revision in its details. */
export function compactedError(revision: Revision, compactRevision: Revision): StoreError {
  return storeError(
    'STORE_COMPACTED',
    `Cannot read at a revision below ${String(compactRevision)} as history there was compacted: ` +
      `received ${String(revision)}`,
    { details: { compactRevision } },
  );
}

/** `STORE_FUTURE_REVISION`. */
export function futureError(revision: Revision, current: Revision): StoreError {
  return storeError(
    'STORE_FUTURE_REVISION',
    `Cannot use a revision above the current ${String(current)}: received ${String(revision)}`,
    { details: { currentRevision: current } },
  );
}

/** The failure of a put with a lease that does not exist. */
export function checkLease(state: StagedState, leaseId: string): StoreError | undefined {
  if (leaseId === NO_ID || state.lease(leaseId) !== undefined) return undefined;
  return leaseNotFound(leaseId);
}

/** `STORE_LEASE_NOT_FOUND`. */
export function leaseNotFound(leaseId: string): StoreError {
  return storeError('STORE_LEASE_NOT_FOUND', `Cannot find a lease: received id ${leaseId}`);
}

function decide(state: StagedState, txn: Txn): Decided {
  const succeeded = txn.compare.every((compare) => holds(state, compare));
  const operations = succeeded ? txn.success : txn.failure;
  const steps = operations.map((operation) =>
    operation.kind === 'txn' ? decide(state, operation.txn) : operation,
  );
  return { succeeded, steps };
}

function checkSteps(state: StagedState, decided: Decided): StoreError | undefined {
  const bounds = { current: state.revision, compact: state.compactRevision };
  for (const step of decided.steps) {
    let failure: StoreError | undefined;
    if ('steps' in step) failure = checkSteps(state, step);
    else if (step.kind === 'put') failure = checkLease(state, step.leaseId);
    else if (step.kind === 'range') failure = checkReadRevision(step.revision, bounds);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function run(
  state: StagedState,
  write: WriteTxn,
  decided: Decided,
  nested: { revision: Revision }[],
): TxnResult {
  const results = decided.steps.map((step): OperationResult => {
    if ('steps' in step) return { kind: 'txn', result: run(state, write, step, nested) };
    switch (step.kind) {
      case 'put': {
        const previous = write.put(step.key, step.value, step.leaseId);
        return { kind: 'put', previous: step.withPrevious ? previous?.keyValue : undefined };
      }
      case 'deleteRange': {
        const records = recordsOf(state, step.range);
        for (const record of records) write.delete(record);
        const previous = step.withPrevious ? records.map(({ keyValue }) => keyValue) : [];
        return { kind: 'deleteRange', deleted: records.length, previous };
      }
      case 'range':
        return readRange(state, step);
      default:
        return assertNever(step);
    }
  });
  const result = { revision: write.revision, succeeded: decided.succeeded, results };
  nested.push(result);
  return result;
}

function readRange(
  state: StagedState,
  step: Extract<Operation, { kind: 'range' }>,
): OperationResult {
  const keyValues =
    step.revision === 0
      ? recordsOf(state, step.range).map(({ keyValue }) => keyValue)
      : state.rangeAt(asRange(step.range), step.revision);
  const count = keyValues.length;
  if (step.countOnly) return { kind: 'range', keyValues: [], more: false, count };
  const more = step.limit > 0 && count > step.limit;
  const wanted = more ? keyValues.slice(0, step.limit) : keyValues;
  return {
    kind: 'range',
    keyValues: step.keysOnly ? wanted.map(withoutValue) : wanted,
    more,
    count,
  };
}

/** A pair whose value was not asked for. */
export function withoutValue(keyValue: KeyValue): KeyValue {
  return { ...keyValue, value: EMPTY_BYTES };
}

function recordsOf(state: StagedState, range: RangeOrKey): CurrentRecord[] {
  if (!('key' in range)) return state.currentRange(range);
  const record = state.current(range.key);
  return record === undefined ? [] : [record];
}

/** S24: all keys of the range must satisfy; no key at all counts as one that is missing. */
function holds(state: StagedState, compare: Compare): boolean {
  const records = recordsOf(state, compare.range);
  if (records.length === 0) return holdsFor(compare, undefined);
  return records.every(({ keyValue }) => holdsFor(compare, keyValue));
}

function holdsFor(compare: Compare, keyValue: KeyValue | undefined): boolean {
  switch (compare.target) {
    case 'value':
      if (keyValue === undefined) return false;
      return matches(compare.operator, Buffer.compare(keyValue.value, compare.value));
    case 'leaseId': {
      const leaseId = keyValue?.leaseId ?? NO_ID;
      const order = leaseId === compare.leaseId ? 0 : leaseId < compare.leaseId ? -1 : 1;
      return matches(compare.operator, order);
    }
    case 'version':
    case 'createRevision':
    case 'modRevision':
      return matches(compare.operator, (keyValue?.[compare.target] ?? 0) - compare.number);
  }
}

function matches(operator: Compare['operator'], order: number): boolean {
  switch (operator) {
    case 'equal':
      return order === 0;
    case 'notEqual':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'less':
      return order < 0;
  }
}
