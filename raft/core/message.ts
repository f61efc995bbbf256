/**
 * Messages between members: one union by `kind` (spec: raft 2). All kinds travel between peers;
 * what the driver tells the core (ticks, acknowledgements of storage, reports of the transport)
 * are calls of `raw-node.ts`, not messages.
 *
 * The vocabulary is complete; `installSnapshot` with its response is not sent by this version and
 * is dropped on receipt.
 */
import type { Entry, EntryKind, Index, MemberId, SnapshotMeta, Term } from './types';

/**
 * What every message carries. `term` is the sender's term, with two exceptions: a `preVote` and its
 * grant carry the term asked for (R4), and kinds that {@link carriesTerm} excludes carry 0.
 */
interface MessageHeader {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: Term;
}

/** Names a linearizable read of one member (R82): no key is ever used twice. */
export interface ReadKey {
  readonly memberId: MemberId;
  /** How often the asking member has started: rises by 1 with each start. */
  readonly incarnation: number;
  /** Rises by 1 with each read of one incarnation. */
  readonly counter: number;
}

/** Data offered to the log, before it has an index. */
export interface Proposal {
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** Asks whether a vote would be granted, without changing anything (Raft §9.6). */
export interface PreVote extends MessageHeader {
  readonly kind: 'preVote';
  readonly lastIndex: Index;
  readonly lastTerm: Term;
}

/** A grant carries the term asked for, a refusal the refuser's own (R4). */
export interface PreVoteResponse extends MessageHeader {
  readonly kind: 'preVoteResponse';
  readonly isGranted: boolean;
}

/** Asks for a vote (Raft §3.4). */
export interface RequestVote extends MessageHeader {
  readonly kind: 'requestVote';
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** The leader itself asked for this election, so a heard leader is no reason to refuse (R6). */
  readonly isTransfer: boolean;
}

/** Leaves only after term and vote are durable (R1). */
export interface RequestVoteResponse extends MessageHeader {
  readonly kind: 'requestVoteResponse';
  readonly isGranted: boolean;
}

/** Entries after (prevIndex, prevTerm), contiguous (R31); without entries it moves commitIndex. */
export interface AppendEntries extends MessageHeader {
  readonly kind: 'appendEntries';
  readonly prevIndex: Index;
  readonly prevTerm: Term;
  readonly entries: readonly Entry[];
  readonly commitIndex: Index;
}

/** What became of an append. */
export type AppendResult =
  /** The sender's log agrees with the leader's up to `matchIndex`, durably. */
  | { readonly kind: 'accepted'; readonly matchIndex: Index }
  /**
   * The log does not hold (prevIndex, prevTerm). The hint is the largest position at which it may
   * agree: an index of the sender's log with its term (R25).
   */
  | {
      readonly kind: 'rejected';
      readonly prevIndex: Index;
      readonly hintIndex: Index;
      readonly hintTerm: Term;
    }
  /** The message was of an earlier term; only the header's term counts (R7). */
  | { readonly kind: 'stale' };

/** Leaves only after the entries it accepts are durable. */
export interface AppendEntriesResponse extends MessageHeader {
  readonly kind: 'appendEntriesResponse';
  readonly result: AppendResult;
}

/** Keeps followers from campaigning, and carries the newest read batch (R81). */
export interface Heartbeat extends MessageHeader {
  readonly kind: 'heartbeat';
  /** min(match of the receiver, commitIndex): never beyond what the receiver surely has (R23). */
  readonly commitIndex: Index;
  /** The newest batch of reads that asks for confirmation; 0 if there was none in this term. */
  readonly readBatch: number;
}

/** Repeats the number of the heartbeat, and so confirms all batches up to it (R81). */
export interface HeartbeatResponse extends MessageHeader {
  readonly kind: 'heartbeatResponse';
  readonly readBatch: number;
}

/** Announces a snapshot that follows on its own connection (Raft §5; T11). */
export interface InstallSnapshot extends MessageHeader {
  readonly kind: 'installSnapshot';
  readonly meta: SnapshotMeta;
}

/** The receiver's log now starts after `index`, or it did not take the snapshot. */
export interface InstallSnapshotResponse extends MessageHeader {
  readonly kind: 'installSnapshotResponse';
  readonly index: Index;
  readonly isInstalled: boolean;
}

/** The leader asks the receiver to campaign at once (Raft §3.10, R12). */
export interface TimeoutNow extends MessageHeader {
  readonly kind: 'timeoutNow';
}

/** Whether the receiver of `timeoutNow` campaigns: it may not be allowed to (R10). */
export interface TimeoutNowResponse extends MessageHeader {
  readonly kind: 'timeoutNowResponse';
  readonly isCampaigning: boolean;
}

/** A linearizable read asked of the leader by another member (Raft §6.4). */
export interface ReadIndex extends MessageHeader {
  readonly kind: 'readIndex';
  readonly key: ReadKey;
}

/** The read named by `key` sees everything acknowledged before it, once `index` is applied. */
export interface ReadIndexResponse extends MessageHeader {
  readonly kind: 'readIndexResponse';
  readonly key: ReadKey;
  readonly index: Index;
}

/** Proposals forwarded to the leader. Nobody answers: what is committed comes back by the log. */
export interface Propose extends MessageHeader {
  readonly kind: 'propose';
  readonly proposals: readonly Proposal[];
}

/** What members say to each other, and to themselves after a write (R2). */
export type Message =
  | PreVote
  | PreVoteResponse
  | RequestVote
  | RequestVoteResponse
  | AppendEntries
  | AppendEntriesResponse
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | InstallSnapshotResponse
  | TimeoutNow
  | TimeoutNowResponse
  | ReadIndex
  | ReadIndexResponse
  | Propose;

/** The kinds of {@link Message}. */
export type MessageKind = Message['kind'];

/** Which kinds pass the term gate. Requests to whoever leads do not depend on a term. */
const CARRIES_TERM = {
  preVote: true,
  preVoteResponse: true,
  requestVote: true,
  requestVoteResponse: true,
  appendEntries: true,
  appendEntriesResponse: true,
  heartbeat: true,
  heartbeatResponse: true,
  installSnapshot: true,
  installSnapshotResponse: true,
  timeoutNow: true,
  timeoutNowResponse: true,
  readIndex: false,
  readIndexResponse: true,
  propose: false,
} as const satisfies Record<MessageKind, boolean>;

/** Whether messages of this kind carry a term; the others carry 0. */
export function carriesTerm(kind: MessageKind): boolean {
  return CARRIES_TERM[kind];
}

/** Every kind, in a fixed order. */
export const MESSAGE_KINDS = Object.keys(CARRIES_TERM) as readonly MessageKind[];
