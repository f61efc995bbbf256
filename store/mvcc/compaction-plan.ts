/**
 * Which records compaction at R removes (spec: store 2.4), as engine ranges; everything at R itself
 * stays, tombstones too, since a watch from R must see it (S30).
 *
 * 1. Versions that were superseded **below** R: no read at R or above sees them, and every event at
 *    R or above has another version as its previous one.
 * 2. Records of the revision log **below** R: no watch may start there.
 */
import { assert } from '../../base/assert';
import type { Revision } from '../kv';
import type { GarbageRecord } from './history';
import { historyKey, NAMESPACE, revisionBounds, type Bounds } from './keyspace';

/** The entries of the garbage queue that are due; `after` skips what was removed before. */
export function dueGarbage(compactRevision: Revision): Bounds {
  return revisionBounds(NAMESPACE.garbage, 0, compactRevision);
}

/** The records of the revision log that are due, if the log was compacted at `compactDone`. */
export function dueRevisions(compactDone: Revision, compactRevision: Revision): Bounds {
  assert(compactDone <= compactRevision, 'compaction never goes back', {
    compactDone,
    compactRevision,
  });
  return revisionBounds(NAMESPACE.revisionLog, compactDone, compactRevision);
}

/** The superseded version that a garbage entry stands for. */
export function garbageTarget(garbage: GarbageRecord): Uint8Array {
  return historyKey(garbage.key, garbage.oldMain, garbage.oldSub);
}
