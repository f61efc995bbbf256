/**
 * The compare-and-set forms that an API server needs, as general transactions and back: shapes 1
 * to 3 of spec: store 8. A failed expectation is a value that carries what was found instead.
 */
import { NO_ID } from '../../base/hex-id';
import type { Compare, OptimisticResult, Revision, Txn, TxnResult } from '../kv';

/** Puts if the key's modRevision is `expectedModRevision` (0: if the key does not exist). */
export function optimisticPutTxn(
  key: Uint8Array,
  value: Uint8Array,
  expectedModRevision: Revision,
  leaseId = NO_ID,
): Txn {
  return {
    compare: [modRevisionIs(key, expectedModRevision)],
    success: [{ kind: 'put', key, value, leaseId, withPrevious: true }],
    failure: [readOf(key)],
  };
}

/** Deletes if the key's modRevision is `expectedModRevision`. */
export function optimisticDeleteTxn(key: Uint8Array, expectedModRevision: Revision): Txn {
  return {
    compare: [modRevisionIs(key, expectedModRevision)],
    success: [{ kind: 'deleteRange', range: { key }, withPrevious: true }],
    failure: [readOf(key)],
  };
}

/** The answer to one of the two. */
export function optimisticResult(result: TxnResult): OptimisticResult {
  const { revision, succeeded } = result;
  const answer = result.results[0];
  if (succeeded) {
    const previous = answer?.kind === 'deleteRange' ? answer.previous[0] : undefined;
    return {
      succeeded,
      revision,
      previous: answer?.kind === 'put' ? answer.previous : previous,
    };
  }
  return {
    succeeded,
    revision,
    keyValue: answer?.kind === 'range' ? answer.keyValues[0] : undefined,
  };
}

function modRevisionIs(key: Uint8Array, number: Revision): Compare {
  return { range: { key }, operator: 'equal', target: 'modRevision', number };
}

function readOf(key: Uint8Array): Txn['failure'][number] {
  return {
    kind: 'range',
    range: { key },
    revision: 0 as Revision,
    limit: 1,
    keysOnly: false,
    countOnly: false,
  };
}
