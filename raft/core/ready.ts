/**
 * What the core wants done after a turn. The driver takes a Ready whenever `hasReady` says so, and
 * works in two ordered pipelines (Raft §10.2.1, asynchronous storage writes):
 *
 *   append:  hardState and entries -> log -> (sync if mustSync) -> storageAppended(appendAck)
 *            -> messagesAfterAppend
 *   apply:   committedEntries -> state machine -> storageApplied(last index)
 *
 * Any number of Readys may be under way; each pipeline finishes them in the order given.
 */
import type { Message, ReadKey } from './message';
import type { Entry, HardState, Index, SnapshotMeta, SoftState, Term } from './types';

/** Names one write of entries, to be given back when it is durable (R27). */
export interface StorageAppendAck {
  /** Rises by 1 with each Ready that has entries: tells two writes of the same entry apart. */
  readonly number: number;
  /** The last entry written. */
  readonly index: Index;
  readonly term: Term;
}

/** How a linearizable read of this member ended. */
export type ReadState =
  /** The read may be answered once `index` is applied (Raft §6.4). */
  | { readonly kind: 'confirmed'; readonly key: ReadKey; readonly index: Index }
  /** The leader that was asked leads no more; ask again, with a new key (R83). */
  | { readonly kind: 'leaderChanged'; readonly key: ReadKey };

/** One turn's work. */
export interface Ready {
  /** Role and leader, if they changed. Not durable. */
  readonly softState: SoftState | undefined;
  /**
   * Term, vote and commitIndex, if one changed: to be stored before or together with `entries`.
   * A new commitIndex alone needs no sync, see `mustSync`.
   */
  readonly hardState: HardState | undefined;
  /**
   * To be stored in this order. The first may lie below entries stored before: it replaces them
   * and all after it. Owned by the core; nobody changes the data.
   */
  readonly entries: readonly Entry[];
  /** Given to `storageAppended` when `entries` are durable; undefined without entries. */
  readonly appendAck: StorageAppendAck | undefined;
  /** A snapshot to install before `entries`. Always undefined: snapshots are the next step. */
  readonly snapshot: SnapshotMeta | undefined;
  /**
   * To be applied in this order, each once. All are durable in the own log (R28), so the state
   * machine is never ahead of it. Entries of kind `confChange` are among them.
   */
  readonly committedEntries: readonly Entry[];
  /** Reads of this member that ended. */
  readonly readStates: readonly ReadState[];
  /** May leave at once, before anything of this Ready is stored. Never to this member itself. */
  readonly messages: readonly Message[];
  /**
   * May leave only when `hardState` and `entries` of this and of all earlier Readys are durable
   * (R1, R2). Those addressed to this member itself (own vote, own acknowledgement) are given to
   * `step`, the others to the transport.
   */
  readonly messagesAfterAppend: readonly Message[];
  /** Whether the write must be synced: term or vote changed, or there are entries. */
  readonly mustSync: boolean;
}
