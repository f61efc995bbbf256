/**
 * The transitions between roles (Raft §3.3, figure 3.3, with the pre-candidate of §9.6):
 *
 *     follower -> preCandidate -> candidate -> leader
 *        ^             |              |          |
 *        +-------------+--------------+----------+   a higher term, a leader, no quorum
 */
import { assert } from '../../base/assert';
import { Inflights } from './inflights';
import { endAskedReads } from './read-index';
import { drawElectionTimeout, type RaftState } from './state';
import type { Entry, Index, MemberId, Term } from './types';

/** Follows `leaderId` in `term`; undefined while nobody is known to lead. */
export function becomeFollower(state: RaftState, term: Term, leaderId: MemberId | undefined): void {
  assert(term >= state.term, 'the term never falls', { term, own: state.term });
  assert(
    term > state.term || leaderId === state.leaderId || state.leaderId === undefined || !leaderId,
    'a term has one leader (R13)',
    { term, leaderId, known: state.leaderId },
  );
  enterRole(state, 'follower', term, leaderId);
}

/** Asks whether a campaign could succeed: no new term, no vote, but nobody is followed (R5). */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  enterRole(state, 'preCandidate', state.term, undefined);
}

/** Opens a new term and votes for itself; the vote counts when it is durable (R2). */
export function becomeCandidate(state: RaftState): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  enterRole(state, 'candidate', (state.term + 1) as Term, undefined);
  state.vote = state.config.id;
}

/**
 * Leads: knows nothing of the others' logs, and appends an empty entry, since it may only commit
 * what is of its own term (R20, R21).
 */
export function becomeLeader(state: RaftState): void {
  assert(state.role === 'candidate', 'only a candidate is elected', { role: state.role });
  assert(state.vote === state.config.id, 'a leader voted for itself', { vote: state.vote });
  enterRole(state, 'leader', state.term, state.config.id);
  const next = (state.log.lastIndex + 1) as Index;
  state.tracker.resetProgress(next);
  noteOwnMatch(state);
  const empty: Entry = { index: next, term: state.term, kind: 'normal', data: new Uint8Array(0) };
  state.log.append([empty]);
  state.isAppendDue = true;
}

/** A leader counts itself for what is durable in its own log, and no more (R2, R28). */
export function noteOwnMatch(state: RaftState): void {
  const own = state.tracker.progressOf(state.config.id);
  if (own === undefined) return;
  assert(state.log.stableIndex >= own.match, 'a leader never truncates its log', {
    stableIndex: state.log.stableIndex,
    match: own.match,
  });
  own.match = state.log.stableIndex;
  own.sentIndex = own.match;
  own.next = (own.match + 1) as Index;
}

function enterRole(
  state: RaftState,
  role: RaftState['role'],
  term: Term,
  leaderId: MemberId | undefined,
): void {
  const isSameLeader = term === state.term && leaderId === state.leaderId;
  if (term !== state.term) {
    state.term = term;
    state.vote = undefined;
  }
  state.role = role;
  state.leaderId = leaderId;
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  drawElectionTimeout(state);
  state.tracker.clearVotes();
  state.uncommitted = new Inflights({ countMax: Infinity, bytesMax: Infinity });
  state.transfer = undefined;
  state.leaderReads = { waiting: [], rounds: [], lastBatch: 0, acknowledged: new Map() };
  state.isAppendDue = false;
  if (!isSameLeader) endAskedReads(state);
}
