/**
 * The core as one object: a synchronous, deterministic state machine around a `RaftState`. Its
 * owner calls it in turns (tick, step, propose, readIndex), then takes the work with `ready`.
 */
import { unreachable } from '../../base/assert';
import type { Random } from '../../base/random';
import type { RaftConfig } from './config';
import type { LogReader } from './log-reader';
import type { Message, Proposal, ReadKey } from './message';
import type { Ready, StorageAppendAck } from './ready';
import type { RaftStatus } from './status';
import type { Index, MemberId, Term } from './types';

/** What a core is made of. */
export interface RawNodeOptions {
  readonly config: RaftConfig;
  /** The stable log; whoever writes it does so before calling `storageAppended`. */
  readonly log: LogReader;
  /** Election timeouts are drawn from it and nothing else (R11). */
  readonly random: Random;
  /** What the state machine has applied at start; commitIndex is at least this (R33). Default 0. */
  readonly appliedIndex?: Index;
}

/** What became of a proposal: a value, since every case is expected. */
export type ProposeResult =
  /** In this leader's log at these positions: committed if they keep this term. */
  | {
      readonly kind: 'appended';
      readonly firstIndex: Index;
      readonly lastIndex: Index;
      readonly term: Term;
    }
  /** On its way to `leaderId`, in `term`; it may get lost. */
  | { readonly kind: 'forwarded'; readonly leaderId: MemberId; readonly term: Term }
  /** Nothing was appended or sent; may be tried again. */
  | {
      readonly kind: 'dropped';
      readonly reason: 'noLeader' | 'forwardingOff' | 'uncommittedBytes';
    };

/** What became of a read: its end comes in `Ready.readStates`, unless it was dropped. */
export type ReadIndexResult =
  | { readonly kind: 'asked'; readonly key: ReadKey }
  | { readonly kind: 'dropped'; readonly reason: 'noLeader' | 'tooManyReads' };

/** The core's facade. */
export class RawNode {
  constructor(_options: RawNodeOptions) {
    unreachable('written next');
  }

  /** A tick of the clock has passed (`RaftTiming.tickMs`). */
  tick(): void {
    unreachable('written next');
  }

  /** A message arrived from a peer, or from `messagesAfterAppend` to this member itself. */
  step(_message: Message): void {
    unreachable('written next');
  }

  /** Offers data to the log; all of it is appended, in order and contiguous, or nothing. */
  propose(_proposals: readonly Proposal[]): ProposeResult {
    unreachable('written next');
  }

  /** Asks for an index that makes a read linearizable (Raft §6.4). Each call has its own key. */
  readIndex(): ReadIndexResult {
    unreachable('written next');
  }

  /** The transport could not deliver to a member, or dropped what waited for it (R34). */
  reportUnreachable(_id: MemberId): void {
    unreachable('written next');
  }

  /** Campaigns now, if this member may. For tests and for a start without waiting. */
  campaign(): void {
    unreachable('written next');
  }

  /** Whether `ready` would give any work. */
  get hasReady(): boolean {
    return unreachable('written next');
  }

  /** Takes the work; what it hands out is not handed out again. */
  ready(): Ready {
    return unreachable('written next');
  }

  /** The write named by `ack` and all earlier ones are durable, and the `LogReader` shows them. */
  storageAppended(_ack: StorageAppendAck): void {
    unreachable('written next');
  }

  /** Everything up to `index` is applied. */
  storageApplied(_index: Index): void {
    unreachable('written next');
  }

  /**
   * Synchronous use: the Ready is stored, sent and applied. Acknowledges both pipelines and steps
   * the messages to itself.
   */
  advance(_ready: Ready): void {
    unreachable('written next');
  }

  /** A copy of the state worth showing. */
  status(): RaftStatus {
    return unreachable('written next');
  }
}
