/**
 * Linearizable reads without a log entry (Raft §6.4). The leader notes its commitIndex, asks a
 * quorum whether it still leads, and then answers with the index.
 *
 * The round is confirmed by a number of our own, never by the caller's bytes (R81): batch n is
 * confirmed by a quorum of acknowledgements of n or more, and numbers rise within a term, so an
 * acknowledgement that was sent before a read arrived cannot confirm it. The key of a read only
 * leads its answer home (R82).
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import { RAFT_LIMITS } from '../limits';
import type { HeartbeatResponse, ReadIndex, ReadIndexResponse, ReadKey } from './message';
import { quorumReached } from './quorum';
import { send, type RaftState } from './state';
import type { Index, MemberId } from './types';

/** What became of a read: its end comes in `Ready.readStates`, unless it was dropped at once. */
export type ReadIndexResult =
  | { readonly kind: 'asked'; readonly key: ReadKey }
  | { readonly kind: 'dropped'; readonly reason: 'noLeader' | 'tooManyReads' };

/** Begins a read of this member: a new key each time (R82). */
export function ask(state: RaftState): ReadIndexResult {
  const { leaderId, askedReads } = state;
  if (leaderId === undefined) return { kind: 'dropped', reason: 'noLeader' };
  if (askedReads.open.length >= RAFT_LIMITS.pendingReadsMax) {
    return { kind: 'dropped', reason: 'tooManyReads' };
  }
  askedReads.lastCounter += 1;
  const { id, incarnation } = state.config;
  const key: ReadKey = { memberId: id, incarnation, counter: askedReads.lastCounter };
  askedReads.open.push(key.counter);
  if (leaderId === id) take(state, key);
  // A request to whoever leads: it carries no term (message.ts).
  else
    send(state, { kind: 'readIndex', from: id, to: leaderId, term: 0 as typeof state.term, key });
  return { kind: 'asked', key };
}

/** A read of another member arrived. Only a leader answers; the others let the asker ask again. */
export function handleReadIndex(state: RaftState, message: ReadIndex): void {
  if (state.role !== 'leader') {
    mark('read asked of a member that does not lead');
    return;
  }
  take(state, message.key);
}

/** The leader's answer to a read of this member. */
export function handleReadIndexResponse(state: RaftState, message: ReadIndexResponse): void {
  const { id, incarnation } = state.config;
  const { key } = message;
  // The question was asked in an earlier life, or of a leader that is gone (R82, R83).
  if (message.from !== state.leaderId || key.memberId !== id || key.incarnation !== incarnation) {
    mark('read answer to another key');
    return;
  }
  confirmAsked(state, key.counter, message.index);
}

/** Whether a round must begin: `beginRound` is called once per Ready, so it serves many reads. */
export function isRoundDue(state: RaftState): boolean {
  return state.leaderReads.waiting.length > 0 && hasCommittedInTerm(state);
}

/** Puts the waiting reads into a batch; returns whether heartbeats must carry its number now. */
export function beginRound(state: RaftState): boolean {
  assert(state.role === 'leader' && isRoundDue(state), 'a round is due at a leader');
  const reads = state.leaderReads;
  reads.lastBatch += 1;
  reads.rounds.push({
    number: reads.lastBatch,
    index: state.log.commitIndex,
    keys: reads.waiting,
  });
  reads.waiting = [];
  reads.acknowledged.set(state.config.id, reads.lastBatch);
  confirmRounds(state);
  return reads.rounds.length > 0;
}

/** A member says that it still followed when it saw batch n: confirms all batches up to n. */
export function noteReadAcknowledged(state: RaftState, message: HeartbeatResponse): void {
  const reads = state.leaderReads;
  assert(message.readBatch <= reads.lastBatch, 'only numbers of this term come back (R81)', {
    readBatch: message.readBatch,
    lastBatch: reads.lastBatch,
  });
  if (message.readBatch <= (reads.acknowledged.get(message.from) ?? 0)) return;
  reads.acknowledged.set(message.from, message.readBatch);
  confirmRounds(state);
}

/**
 * The leader that was asked leads no more, as far as this member knows: its reads end, also those
 * confirmed in this turn that nobody has taken yet (R83).
 */
export function endAskedReads(state: RaftState): void {
  const { id, incarnation } = state.config;
  state.readStates = state.readStates.map(({ key }) => ({ kind: 'leaderChanged', key }));
  for (const counter of state.askedReads.open) {
    const key: ReadKey = { memberId: id, incarnation, counter };
    state.readStates.push({ kind: 'leaderChanged', key });
  }
  state.askedReads.open = [];
}

/** R80: until then commitIndex may be behind what earlier leaders acknowledged. */
export function hasCommittedInTerm(state: RaftState): boolean {
  return state.log.termAt(state.log.commitIndex) === state.term;
}

function take(state: RaftState, key: ReadKey): void {
  assert(state.role === 'leader', 'a leader takes reads');
  const { waiting } = state.leaderReads;
  if (waiting.length >= RAFT_LIMITS.pendingReadsMax) {
    mark('read dropped by a full queue');
    return;
  }
  if (!hasCommittedInTerm(state)) mark('read queued before first commit');
  waiting.push(key);
}

function confirmRounds(state: RaftState): void {
  const { rounds, acknowledged } = state.leaderReads;
  const confirmed = quorumReached(state.tracker.voters, (id) => acknowledged.get(id));
  for (let batch = rounds[0]; batch !== undefined; batch = rounds[0]) {
    if (batch.number > confirmed) return;
    rounds.shift();
    for (const key of batch.keys) answer(state, key, batch.index);
  }
}

function answer(state: RaftState, key: ReadKey, index: Index): void {
  const { id } = state.config;
  if (key.memberId === id) confirmAsked(state, key.counter, index);
  else answerPeer(state, key.memberId, { key, index });
}

function answerPeer(
  state: RaftState,
  to: MemberId,
  read: { readonly key: ReadKey; readonly index: Index },
): void {
  const { id: from } = state.config;
  send(state, { kind: 'readIndexResponse', from, to, term: state.term, ...read });
}

/**
 * Ends the read named by `counter` and all asked before it: what is fresh enough for the later
 * question is fresh enough for the earlier one, whose own answer may be lost.
 */
function confirmAsked(state: RaftState, counter: number, index: Index): void {
  const { open } = state.askedReads;
  if (!open.includes(counter)) {
    mark('read answer to another key');
    return;
  }
  const { id, incarnation } = state.config;
  for (let first = open[0]; first !== undefined && first <= counter; first = open[0]) {
    open.shift();
    const key: ReadKey = { memberId: id, incarnation, counter: first };
    state.readStates.push({ kind: 'confirmed', key, index });
  }
}
