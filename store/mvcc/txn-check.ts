/**
 * What can be said about a transaction without any state: sizes, and that no key would change
 * twice (S21, S25). The front checks before proposing, apply checks again (S20).
 */
import { assert } from '../../base/assert';
import { bytesId } from '../../base/bytes';
import { isHexId } from '../../base/hex-id';
import { storeError, type StoreError } from '../errors';
import type { Operation, Txn } from '../kv';
import { STORE_LIMITS } from '../limits';
import { asRange, isInRange, type RangeOrKey } from './read-set';

/** The failure of a key that may not be used; undefined if it may. */
export function checkKey(key: Uint8Array): StoreError | undefined {
  if (key.length === 0) {
    return storeError('STORE_INVALID', 'Cannot use a key as it is empty: received 0 bytes');
  }
  if (key.length > STORE_LIMITS.keyBytesMax) {
    return storeError(
      'STORE_TOO_LARGE',
      `Cannot use a key of more than ${String(STORE_LIMITS.keyBytesMax)} bytes: ` +
        `received ${String(key.length)} bytes`,
    );
  }
  return undefined;
}

/** Refuses a request of more bytes than the limit; undefined if it fits. */
export function checkRequestBytes(bytes: number): StoreError | undefined {
  if (bytes <= STORE_LIMITS.requestBytesMax) return undefined;
  return storeError(
    'STORE_TOO_LARGE',
    `Cannot accept a request of more than ${String(STORE_LIMITS.requestBytesMax)} bytes: ` +
      `received ${String(bytes)} bytes`,
  );
}

/** The failure of a transaction that may not be applied on any state; undefined if it may. */
export function checkTxn(txn: Txn): StoreError | undefined {
  const count = countOperations(txn);
  if (count > STORE_LIMITS.operationsPerTxnMax) {
    return storeError(
      'STORE_TOO_MANY_OPERATIONS',
      `Cannot apply a transaction of more than ${String(STORE_LIMITS.operationsPerTxnMax)} ` +
        `operations, nested ones included: received ${String(count)}`,
    );
  }
  return checkCompares(txn) ?? checkWholeBranch(txn.success) ?? checkWholeBranch(txn.failure);
}

/** The larger branch with all that is nested in it, or the compares if they are more. */
function countOperations(txn: Txn): number {
  const { compare, success, failure } = txn;
  return Math.max(compare.length, countInBranch(success), countInBranch(failure));
}

function countInBranch(operations: readonly Operation[]): number {
  let count = operations.length;
  for (const operation of operations) {
    if (operation.kind === 'txn') count += countOperations(operation.txn);
  }
  return count;
}

function checkCompares(txn: Txn): StoreError | undefined {
  for (const { range } of txn.compare) {
    const failure = 'key' in range ? checkKey(range.key) : undefined;
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Keys that a branch changes. */
class ChangeSet {
  readonly puts = new Map<string, Uint8Array>();
  readonly deletes: RangeOrKey[] = [];

  /** Whether a put of `key` would be its second change. */
  hasChangeOf(key: Uint8Array): boolean {
    return this.puts.has(bytesId(key)) || this.deletes.some((range) => covers(range, key));
  }

  /** Whether a delete of `range` would change a key a second time. */
  hasPutIn(range: RangeOrKey): boolean {
    for (const key of this.puts.values()) if (covers(range, key)) return true;
    return false;
  }

  overlaps(other: ChangeSet): boolean {
    for (const key of other.puts.values()) if (this.hasChangeOf(key)) return true;
    return other.deletes.some((range) => this.hasPutIn(range));
  }

  add(other: ChangeSet): void {
    for (const [id, key] of other.puts) this.puts.set(id, key);
    this.deletes.push(...other.deletes);
  }
}

/** A branch with one operation has nothing to collide with: most transactions are of that kind. */
function checkWholeBranch(operations: readonly Operation[]): StoreError | undefined {
  const [first] = operations;
  if (first === undefined) return undefined;
  const isAlone = operations.length === 1 && first.kind !== 'txn';
  return isAlone ? checkOperation(first, undefined) : checkBranch(operations, new ChangeSet());
}

/** Checks the operations of one branch and collects what they change. */
function checkBranch(operations: readonly Operation[], changes: ChangeSet): StoreError | undefined {
  for (const operation of operations) {
    const failure = checkOperation(operation, changes);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** `changes` is what the branch changes so far; undefined for the only operation of a branch. */
function checkOperation(
  operation: Operation,
  changes: ChangeSet | undefined,
): StoreError | undefined {
  switch (operation.kind) {
    case 'put': {
      const { key, leaseId } = operation;
      const failure = checkKey(key);
      if (failure !== undefined) return failure;
      if (!isHexId(leaseId)) {
        return storeError(
          'STORE_INVALID',
          `Cannot attach a lease: received id "${String(leaseId)}"`,
        );
      }
      if (changes === undefined) return undefined;
      if (changes.hasChangeOf(key)) return changedTwice();
      changes.puts.set(bytesId(key), key);
      return undefined;
    }
    case 'deleteRange':
      if ('key' in operation.range) {
        const failure = checkKey(operation.range.key);
        if (failure !== undefined) return failure;
      }
      if (changes === undefined) return undefined;
      if (changes.hasPutIn(operation.range)) return changedTwice();
      changes.deletes.push(operation.range);
      return undefined;
    case 'range':
      return 'key' in operation.range ? checkKey(operation.range.key) : undefined;
    case 'txn':
      return checkNested(operation.txn, changes ?? new ChangeSet());
  }
}

/** Only one branch of a nested transaction will be taken: they may overlap each other. */
function checkNested(txn: Txn, changes: ChangeSet): StoreError | undefined {
  const failure = checkCompares(txn);
  if (failure !== undefined) return failure;
  const branches = [new ChangeSet(), new ChangeSet()] as const;
  const inside = checkBranch(txn.success, branches[0]) ?? checkBranch(txn.failure, branches[1]);
  if (inside !== undefined) return inside;
  if (branches.some((branch) => changes.overlaps(branch))) return changedTwice();
  for (const branch of branches) changes.add(branch);
  assert(changes.puts.size <= STORE_LIMITS.operationsPerTxnMax * 2, 'operations were counted');
  return undefined;
}

function covers(range: RangeOrKey, key: Uint8Array): boolean {
  return isInRange(key, asRange(range));
}

function changedTwice(): StoreError {
  return storeError(
    'STORE_INVALID',
    'Cannot apply a transaction as it changes one key more than once: put or delete it once',
  );
}
