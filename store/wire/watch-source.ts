/**
 * What the server asks of a store beyond `TxnKv`: watches that push. A stream that is pulled has
 * promise hops between the store and the frame; pushed, the events of a revision are in the
 * outgoing frame before the answer of the write that made it (store 3.1), and a position moves
 * only when its batch was taken (S33). Implemented by `replica/watch-feed.ts`.
 */
import type { StoreError } from '../errors';
import type { KeyRange, Revision, TransferResult, TxnKv, WatchBatch } from '../kv';

/** Where the batches of a watch go. Called synchronously; must not throw and not call back. */
export interface WatchSink {
  /** Takes a batch, or refuses it for want of room: it is offered again after `resume`. */
  offer(batch: WatchBatch): boolean;
  /** The watch is over and nothing follows: compacted, or the store has stopped. */
  end(error: StoreError): void;
}

/** A watch as its owner holds it. */
export interface WatchHandle {
  /** The first revision it delivers. */
  readonly startRevision: Revision;
  /** There is room again after a refused batch. */
  resume(): void;
  /** Asks for a progress batch of at least `revision` as soon as all up to there was taken. */
  progressAt(revision: Revision): void;
  /** Ends the watch; its sink hears nothing more. */
  close(): void;
}

/** A store that pushes. */
export interface WatchSource {
  /** What this replica has applied; never falls. */
  localRevision(): Revision;
  /** Opens a watch from `startRevision` on; 0: from what follows {@link localRevision}. */
  openWatch(range: KeyRange, startRevision: Revision, sink: WatchSink): WatchHandle;
}

/** What a replica offers to its server. */
export interface ServedStore extends TxnKv, WatchSource {
  /** Renews a lease if this member leads; fails with `RAFT_NOT_LEADER` otherwise. */
  renewHere(leaseId: string): ReturnType<TxnKv['keepAliveLease']>;
  /** Hands leadership over if this member leads: to a member, or to whom it thinks best. */
  transferLeadership(targetId: string | undefined): Promise<TransferResult>;
}
