/** What watches are fed with. */
import type { Revision, WatchBatch, WatchEvent } from '../kv';

/** All events of one revision, in the order of the changes. Never empty, never split (S32). */
export interface RevisionEvents {
  readonly revision: Revision;
  readonly events: readonly WatchEvent[];
}

/**
 * Where a watcher's batches go: a bounded queue towards its consumer. A refusal means "full": the
 * hub then keeps the watcher's position (S33) and goes on when told `unblock`. No call may call
 * back into the hub.
 */
export interface WatchSink {
  /** Takes a batch whole or refuses it. */
  push(batch: WatchBatch): boolean;
  /** Takes the notice that history below `compactRevision` is gone, or refuses it for now. */
  pushCompacted(compactRevision: Revision): boolean;
}
