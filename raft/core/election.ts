/**
 * Elections (Raft §3.4, §3.6.1) with PreVote (§9.6) and the refusal of votes while a leader is
 * heard (§4.2.3). The term gate has been passed, see `step.ts`.
 */
import { assert, assertNever } from '../../base/assert';
import { mark } from '../../base/mark';
import type { PreVote, PreVoteResponse, RequestVote, RequestVoteResponse } from './message';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles';
import { send, type RaftState } from './state';
import type { Index, MemberId, Term } from './types';

/** Entries looked at in one piece when searching for unapplied changes. */
const SCAN_BYTES = 1024 * 1024;

/** Begins an election if this member may stand (R10). */
export function campaign(state: RaftState): void {
  if (state.role === 'leader' || !mayCampaign(state)) return;
  if (state.config.isPreVoteOn) askPreVotes(state);
  else askVotes(state, { isTransfer: false });
}

/**
 * Begins an election on the wish of the leader (Raft §3.10): nobody has to be asked first whether
 * one is due. The caller has checked {@link mayCampaign}.
 */
export function campaignForTransfer(state: RaftState): void {
  assert(state.role === 'follower', 'the leader asks a follower', { role: state.role });
  askVotes(state, { isTransfer: true });
}

/** Whether this member may stand at all (R10). */
export function mayCampaign(state: RaftState): boolean {
  if (!state.tracker.isVoter(state.config.id)) {
    mark('nonmember does not campaign');
    return false;
  }
  if (hasUnappliedConfChange(state)) {
    // It would ask the members of a configuration that is over.
    mark('campaign waits for apply of a configuration change');
    return false;
  }
  return true;
}

/** Whether a lease of the present leader forbids to vote: heard within the minimum timeout (R6). */
export function hearsLeader(state: RaftState): boolean {
  return (
    state.config.isCheckQuorumOn &&
    state.leaderId !== undefined &&
    state.electionElapsed < state.config.electionTimeoutTicks
  );
}

/** Answers whether it would vote; changes nothing (R4). Learners answer too (R9). */
export function handlePreVote(state: RaftState, message: PreVote): void {
  const isGranted =
    (message.term > state.term || mayVoteFor(state, message.from)) &&
    state.log.isUpToDate({ index: message.lastIndex, term: message.lastTerm });
  send(state, {
    kind: 'preVoteResponse',
    from: state.config.id,
    to: message.from,
    term: isGranted ? message.term : state.term,
    isGranted,
  });
}

/** Votes at most once a term, and only for a log that has all this one has (R3). */
export function handleRequestVote(state: RaftState, message: RequestVote): void {
  assert(message.term === state.term, 'a vote is asked in the own term', { term: message.term });
  const isGranted =
    mayVoteFor(state, message.from) &&
    state.log.isUpToDate({ index: message.lastIndex, term: message.lastTerm });
  if (isGranted) {
    // What it was asking itself is settled: somebody else was first.
    if (state.role === 'preCandidate') becomeFollower(state, state.term, undefined);
    assert(state.role === 'follower', 'followers vote for others', { role: state.role });
    state.vote = message.from;
    // A voter lets the one it voted for begin.
    state.electionElapsed = 0;
  }
  send(state, {
    kind: 'requestVoteResponse',
    from: state.config.id,
    to: message.from,
    term: state.term,
    isGranted,
  });
}

/** Counts an answer to the pre-vote; a majority opens the election proper. */
export function handlePreVoteResponse(state: RaftState, message: PreVoteResponse): void {
  if (state.role !== 'preCandidate') return;
  // A grant carries the term asked for: one of an earlier campaign counts no more.
  if (message.isGranted && message.term !== state.term + 1) return;
  countPreVote(state, message.from, message.isGranted);
}

/** Counts a vote; a majority makes a leader. */
export function handleRequestVoteResponse(state: RaftState, message: RequestVoteResponse): void {
  if (state.role !== 'candidate') return;
  assert(message.term === state.term, 'a vote is of the own term', { term: message.term });
  const result = state.tracker.recordVote(message.from, message.isGranted);
  switch (result) {
    case 'won':
      becomeLeader(state);
      return;
    case 'lost':
      becomeFollower(state, state.term, undefined);
      return;
    case 'pending':
      return;
    default:
      assertNever(result);
  }
}

function askPreVotes(state: RaftState): void {
  becomePreCandidate(state);
  const { index: lastIndex, term: lastTerm } = state.log.lastPosition;
  // Its own answer changes nothing durable, so it counts at once.
  countPreVote(state, state.config.id, true);
  if (state.role !== 'preCandidate') return;
  const term = (state.term + 1) as Term;
  for (const to of otherVoters(state)) {
    send(state, { kind: 'preVote', from: state.config.id, to, term, lastIndex, lastTerm });
  }
}

function askVotes(state: RaftState, { isTransfer }: { readonly isTransfer: boolean }): void {
  becomeCandidate(state);
  const { index: lastIndex, term: lastTerm } = state.log.lastPosition;
  const { term } = state;
  const from = state.config.id;
  // To itself, after the write: the own vote counts when it is durable (R2).
  send(state, { kind: 'requestVoteResponse', from, to: from, term, isGranted: true });
  for (const to of otherVoters(state)) {
    send(state, { kind: 'requestVote', from, to, term, lastIndex, lastTerm, isTransfer });
  }
}

function countPreVote(state: RaftState, id: MemberId, isGranted: boolean): void {
  const result = state.tracker.recordVote(id, isGranted);
  switch (result) {
    case 'won':
      askVotes(state, { isTransfer: false });
      return;
    case 'lost':
      becomeFollower(state, state.term, undefined);
      return;
    case 'pending':
      return;
    default:
      assertNever(result);
  }
}

/** Whether the vote of this term is free for, or given to, `candidateId`. */
function mayVoteFor(state: RaftState, candidateId: MemberId): boolean {
  if (state.vote !== undefined) return state.vote === candidateId;
  return state.leaderId === undefined;
}

function otherVoters(state: RaftState): readonly MemberId[] {
  return state.tracker.memberIds.filter(
    (id) => id !== state.config.id && state.tracker.isVoter(id),
  );
}

/** Committed changes that are not applied: they take effect when applied (R52). */
function hasUnappliedConfChange(state: RaftState): boolean {
  const { log } = state;
  const end = (log.commitIndex + 1) as Index;
  let from = (log.appliedIndex + 1) as Index;
  while (from < end) {
    const entries = log.entries(from, end, SCAN_BYTES);
    assert(entries.length > 0, 'a range of the log is not empty', { from });
    if (entries.some((entry) => entry.kind === 'confChange')) return true;
    from = (from + entries.length) as Index;
  }
  return false;
}
