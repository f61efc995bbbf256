/**
 * The core as one object: a synchronous, deterministic state machine around a `RaftState`. Its
 * owner calls it in turns (tick, step, propose, readIndex), then takes the work with `ready`.
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import type { Random } from '../../base/random';
import { RAFT_LIMITS } from '../limits';
import { collect, hasWork } from './collect';
import { checkConfig, type RaftConfig } from './config';
import { campaign } from './election';
import { checkDelta, checkState, remember, verifyState, type StateMemory } from './invariants';
import type { LogReader } from './log-reader';
import { bytesOf } from './memory-log';
import type { Message, Proposal } from './message';
import { ask, type ReadIndexResult } from './read-index';
import type { Ready, StorageAppendAck } from './ready';
import { appendProposals, handleUnreachable, hasRoomFor, maybeCommit } from './replication';
import { noteOwnMatch } from './roles';
import { createState, send, type RaftState } from './state';
import { statusOf, type RaftStatus } from './status';
import { step, tick } from './step';
import { beginTransfer, type TransferStart } from './transfer';
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
      readonly reason: 'noLeader' | 'forwardingOff' | 'uncommittedBytes' | 'transferring';
    };

/** The core's facade. */
export class RawNode {
  readonly #state: RaftState;
  #memory: StateMemory;

  constructor(options: RawNodeOptions) {
    checkConfig(options.config);
    this.#state = createState({ ...options, appliedIndex: options.appliedIndex ?? (0 as Index) });
    this.#memory = remember(this.#state);
    checkState(this.#state);
  }

  /** A tick of the clock has passed (`RaftTiming.tickMs`). */
  tick(): void {
    tick(this.#state);
    this.#check();
  }

  /** A message arrived from a peer, or from `messagesAfterAppend` to this member itself. */
  step(message: Message): void {
    step(this.#state, message);
    this.#check();
  }

  /** Offers data to the log; all of it is appended, in order and contiguous, or nothing. */
  propose(proposals: readonly Proposal[]): ProposeResult {
    const result = propose(this.#state, proposals);
    this.#check();
    return result;
  }

  /** Asks for an index that makes a read linearizable (Raft §6.4). Each call has its own key. */
  readIndex(): ReadIndexResult {
    const result = ask(this.#state);
    this.#check();
    return result;
  }

  /**
   * Hands leadership to `targetId`, by default to the most up-to-date active voter (Raft §3.10).
   * Proposals are dropped until another member leads or an election timeout has passed (R12).
   */
  transferLeadership(targetId?: MemberId): TransferStart {
    const result = beginTransfer(this.#state, targetId);
    this.#check();
    return result;
  }

  /** Whom this leader hands over to; undefined if it does not. */
  get transferTargetId(): MemberId | undefined {
    return this.#state.transfer?.targetId;
  }

  /** The transport could not deliver to a member, or dropped what waited for it (R34). */
  reportUnreachable(id: MemberId): void {
    handleUnreachable(this.#state, id);
    this.#check();
  }

  /** Campaigns now, if this member may (R10): for tests, and for a start without waiting. */
  campaign(): void {
    campaign(this.#state);
    this.#check();
  }

  /** Whether `ready` would give any work. */
  get hasReady(): boolean {
    return hasWork(this.#state);
  }

  /** Takes the work; what it hands out is not handed out again. */
  ready(): Ready {
    const ready = collect(this.#state);
    this.#check();
    return ready;
  }

  /** The write named by `ack` and all earlier ones are durable, and the `LogReader` shows them. */
  storageAppended(ack: StorageAppendAck): void {
    if (!this.#state.log.acknowledgeWrite(ack)) return;
    if (this.#state.role === 'leader') {
      noteOwnMatch(this.#state);
      maybeCommit(this.#state);
    }
    this.#check();
  }

  /** Everything up to `index` is applied. */
  storageApplied(index: Index): void {
    this.#state.log.appliedTo(index);
    this.#check();
  }

  /**
   * Synchronous use: the Ready is stored, sent and applied. Acknowledges both pipelines and steps
   * the messages to itself.
   */
  advance(ready: Ready): void {
    if (ready.appendAck !== undefined) this.storageAppended(ready.appendAck);
    for (const message of ready.messagesAfterAppend) {
      if (message.to === this.#state.config.id) this.step(message);
    }
    const applied = ready.committedEntries.at(-1);
    if (applied !== undefined) this.storageApplied(applied.index);
  }

  /** A copy of the state worth showing. */
  status(): RaftStatus {
    return statusOf(this.#state);
  }

  /** The term of an entry that this member holds, durable or not. */
  termAt(index: Index): Term | undefined {
    return this.#state.log.termAt(index);
  }

  /** The costly checks, over the whole log: for tests and the simulator. */
  verify(): void {
    verifyState(this.#state);
  }

  #check(): void {
    checkState(this.#state);
    const next = remember(this.#state);
    checkDelta(this.#memory, next);
    this.#memory = next;
  }
}

function propose(state: RaftState, proposals: readonly Proposal[]): ProposeResult {
  assert(proposals.length > 0, 'a proposal has something to propose');
  for (const { data } of proposals) {
    assert(data.length <= RAFT_LIMITS.entryBytesMax, 'an entry is within limits', {
      bytes: data.length,
    });
  }
  const { leaderId, term } = state;
  if (leaderId === undefined) return { kind: 'dropped', reason: 'noLeader' };
  if (state.role !== 'leader') {
    if (!state.config.isForwardingOn) return { kind: 'dropped', reason: 'forwardingOff' };
    // To whoever leads: the message carries no term of its own (message.ts).
    const from = state.config.id;
    send(state, { kind: 'propose', from, to: leaderId, term: 0 as Term, proposals });
    return { kind: 'forwarded', leaderId, term };
  }
  if (state.transfer !== undefined) {
    mark('proposal dropped by a transfer');
    return { kind: 'dropped', reason: 'transferring' };
  }
  if (!hasRoomFor(state, bytesOf(proposals))) {
    mark('uncommitted cap reached');
    return { kind: 'dropped', reason: 'uncommittedBytes' };
  }
  const firstIndex = (state.log.lastIndex + 1) as Index;
  appendProposals(state, proposals);
  return { kind: 'appended', firstIndex, lastIndex: state.log.lastIndex, term };
}
