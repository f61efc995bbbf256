/**
 * What is true of every state, and of every step from one state to the next: the one list. The
 * cheap checks run after every call of `raw-node.ts`; `verifyState` reads the whole log and is for
 * tests and the simulator.
 */
import { assert } from '../../base/assert';
import type { RaftState } from './state';
import type { Index, MemberId, Role, Term } from './types';

/** What is remembered of a state to compare the next one with. */
export interface StateMemory {
  readonly term: Term;
  readonly vote: MemberId | undefined;
  readonly role: Role;
  readonly leaderId: MemberId | undefined;
  readonly commitIndex: Index;
  readonly appliedIndex: Index;
  readonly lastIndex: Index;
}

/** Takes what {@link checkDelta} compares. */
export function remember(state: RaftState): StateMemory {
  const { term, vote, role, leaderId, log } = state;
  const { commitIndex, appliedIndex, lastIndex } = log;
  return { term, vote, role, leaderId, commitIndex, appliedIndex, lastIndex };
}

/** Checks one state; constant work but for a leader's members. */
export function checkState(state: RaftState): void {
  const { log, role, term, leaderId } = state;
  const { id } = state.config;
  const values = { id, role, term, leaderId, commitIndex: log.commitIndex };
  assert(
    log.appliedIndex <= log.applyingIndex &&
      log.applyingIndex <= log.commitIndex &&
      log.applyingIndex <= log.stableIndex,
    'apply has only what is committed and durable (R28)',
    { ...values, applyingIndex: log.applyingIndex, stableIndex: log.stableIndex },
  );
  assert(log.commitIndex <= log.lastIndex, 'what is committed is in the log', values);
  assert(log.stableIndex <= log.lastIndex, 'what is durable is in the log', values);
  assert(log.lastPosition.term <= term, 'no entry is of a later term than its member', values);
  switch (role) {
    case 'leader':
      assert(leaderId === id && state.vote === id, 'a leader knows that it leads', values);
      checkLeader(state);
      break;
    case 'candidate':
      assert(leaderId === undefined && state.vote === id, 'a candidate votes for itself', values);
      break;
    case 'preCandidate':
      assert(leaderId === undefined, 'a pre-candidate follows nobody (R5)', values);
      break;
    case 'follower':
      assert(leaderId !== id, 'a follower does not lead', values);
      break;
  }
  if (role !== 'leader') {
    const { waiting, rounds } = state.leaderReads;
    assert(waiting.length === 0 && rounds.length === 0, 'only a leader holds reads', values);
  }
  if (leaderId === undefined) {
    assert(state.askedReads.open.length === 0, 'no read waits without a leader (R83)', values);
  }
}

/** Checks the way from one state of a running member to the next. */
export function checkDelta(before: StateMemory, after: StateMemory): void {
  const values = { term: before.term, nextTerm: after.term, from: before.role, to: after.role };
  assert(after.term >= before.term, 'the term never falls', values);
  assert(after.commitIndex >= before.commitIndex, 'commitIndex never falls', values);
  assert(after.appliedIndex >= before.appliedIndex, 'appliedIndex never falls', values);
  if (after.term > before.term) return;
  assert(
    before.vote === undefined || after.vote === before.vote,
    'a vote is given once a term (R1)',
    { ...values, vote: before.vote, nextVote: after.vote },
  );
  assert(
    before.leaderId === undefined ||
      after.leaderId === undefined ||
      after.leaderId === before.leaderId,
    'a term has one leader (R13)',
    { ...values, leaderId: before.leaderId, nextLeaderId: after.leaderId },
  );
  if (before.role === 'leader') {
    assert(
      after.role === 'leader' || after.role === 'follower',
      'a leader stays or steps down',
      values,
    );
    assert(
      after.role !== 'leader' || after.lastIndex >= before.lastIndex,
      'a leader never truncates its log (Raft §3.5)',
      values,
    );
  }
}

/** Checks the whole log: contiguous, terms not falling (Raft figure 3.2). Linear in its length. */
export function verifyState(state: RaftState): void {
  checkState(state);
  const { log } = state;
  let term = log.termAt((log.firstIndex - 1) as Index) ?? (0 as Term);
  for (let index = log.firstIndex; index <= log.lastIndex; index = (index + 1) as Index) {
    const own = log.termAt(index);
    assert(own !== undefined && own >= term, 'terms do not fall along the log', { index });
    term = own;
  }
}

function checkLeader(state: RaftState): void {
  for (const id of state.tracker.memberIds) {
    const progress = state.tracker.progressOf(id);
    assert(progress !== undefined, 'every member has a progress', { id });
    const { match, next, sentIndex } = progress;
    assert(match >= 0 && match < next && match <= sentIndex, '0 <= match < next (R25)', {
      id,
      match,
      next,
      sentIndex,
    });
    assert(next <= state.log.lastIndex + 1, 'next stays within reach of the log', { id, next });
  }
}
