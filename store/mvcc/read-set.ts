/**
 * Which ranges a command reads: fetched from the engine before the command is evaluated, so that
 * evaluation never waits (style: async, rule 2). Single keys at the latest revision are not listed;
 * they are looked up at once during evaluation.
 */
import { bytesId, keyAfter } from '../../base/bytes';
import type { KeyRange, KeyValue, Operation, Revision, Txn } from '../kv';
import type { CurrentRecord } from './current-column';

/** One key or a range, as transactions name them. */
export type RangeOrKey = KeyRange | { readonly key: Uint8Array };

/** A range that must be fetched. */
export interface RangeNeed {
  readonly range: KeyRange;
  /** 0: the records of the current column. Else what the keys were at this revision. */
  readonly revision: Revision;
}

/** What was fetched. */
export class ReadSet {
  readonly #current = new Map<string, readonly CurrentRecord[]>();
  readonly #past = new Map<string, readonly KeyValue[]>();
  readonly #attached = new Map<string, readonly Uint8Array[]>();

  addCurrent(range: KeyRange, records: readonly CurrentRecord[]): void {
    this.#current.set(rangeId(range), records);
  }

  addPast(range: KeyRange, revision: Revision, keyValues: readonly KeyValue[]): void {
    this.#past.set(`${String(revision)} ${rangeId(range)}`, keyValues);
  }

  addAttached(leaseId: string, keys: readonly Uint8Array[]): void {
    this.#attached.set(leaseId, keys);
  }

  /** Records of the current column before this batch; undefined if they were not fetched. */
  current(range: KeyRange): readonly CurrentRecord[] | undefined {
    return this.#current.get(rangeId(range));
  }

  /** The range at a revision before this batch; undefined if it was not fetched. */
  past(range: KeyRange, revision: Revision): readonly KeyValue[] | undefined {
    return this.#past.get(`${String(revision)} ${rangeId(range)}`);
  }

  /** Keys attached to a lease before this batch. */
  attached(leaseId: string): readonly Uint8Array[] {
    return this.#attached.get(leaseId) ?? [];
  }
}

/** The range that a key alone makes. */
export function asRange(range: RangeOrKey): KeyRange {
  return 'key' in range ? { start: range.key, end: keyAfter(range.key) } : range;
}

/** Whether a key is in a range. */
export function isInRange(key: Uint8Array, range: KeyRange): boolean {
  if (Buffer.compare(key, range.start) < 0) return false;
  return range.end === undefined || Buffer.compare(key, range.end) < 0;
}

/** The ranges of both branches of a transaction: which one is taken is decided later. */
export function needsOfTxn(txn: Txn, add: (need: RangeNeed) => void): void {
  for (const { range } of txn.compare) {
    if (!('key' in range)) add({ range, revision: 0 as Revision });
  }
  for (const operation of txn.success) needsOfOperation(operation, add);
  for (const operation of txn.failure) needsOfOperation(operation, add);
}

function needsOfOperation(operation: Operation, add: (need: RangeNeed) => void): void {
  if (operation.kind === 'txn') needsOfTxn(operation.txn, add);
  else if (operation.kind === 'range') {
    const { range, revision } = operation;
    if (revision !== 0) add({ range: asRange(range), revision });
    else if (!('key' in range)) add({ range, revision });
  } else if (operation.kind === 'deleteRange' && !('key' in operation.range)) {
    add({ range: operation.range, revision: 0 as Revision });
  }
}

function rangeId(range: KeyRange): string {
  const start = bytesId(range.start);
  return `${String(start.length)} ${start}${range.end === undefined ? '' : `-${bytesId(range.end)}`}`;
}
