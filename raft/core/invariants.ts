/**
 * What is true of every state, and of every step from one state to the next: the one list. The
 * cheap checks run after every call of `raw-node.ts`; `verifyState` reads the whole log and is for
 * tests and the simulator.
 */
import { assert, InvariantError } from '../../base/assert';
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

/** Checks one state; constant work but for a leader's members. Builds no values unless it fails. */
export function checkState(state: RaftState): void {
  const { log, role, term, leaderId } = state;
  const { id } = state.config;
  holds(
    log.appliedIndex <= log.applyingIndex &&
      log.applyingIndex <= log.commitIndex &&
      log.applyingIndex <= log.stableIndex,
    'apply has only what is committed and durable (R28)',
    state,
  );
  holds(log.commitIndex <= log.lastIndex, 'what is committed is in the log', state);
  holds(log.stableIndex <= log.lastIndex, 'what is durable is in the log', state);
  holds(log.lastPosition.term <= term, 'no entry is of a later term than its member', state);
  switch (role) {
    case 'leader':
      holds(leaderId === id && state.vote === id, 'a leader knows that it leads', state);
      checkLeader(state);
      break;
    case 'candidate':
      holds(leaderId === undefined && state.vote === id, 'a candidate votes for itself', state);
      break;
    case 'preCandidate':
      holds(leaderId === undefined, 'a pre-candidate follows nobody (R5)', state);
      break;
    case 'follower':
      holds(leaderId !== id, 'a follower does not lead', state);
      break;
  }
  const { waiting, rounds } = state.leaderReads;
  holds(
    role === 'leader' || (waiting.length === 0 && rounds.length === 0),
    'only a leader holds reads',
    state,
  );
  holds(
    state.transfer === undefined || (role === 'leader' && state.transfer.targetId !== id),
    'only a leader hands over, to somebody else (R12)',
    state,
  );
  holds(
    leaderId !== undefined || state.askedReads.open.length === 0,
    'no read waits without a leader (R83)',
    state,
  );
}

/** Checks the way from one state of a running member to the next. */
export function checkDelta(before: StateMemory, after: StateMemory): void {
  const follows = (isTrue: boolean, what: string): void => {
    if (!isTrue) throw new InvariantError(what, { ...after, before: JSON.stringify(before) });
  };
  follows(after.term >= before.term, 'the term never falls');
  follows(after.commitIndex >= before.commitIndex, 'commitIndex never falls');
  follows(after.appliedIndex >= before.appliedIndex, 'appliedIndex never falls');
  if (after.term > before.term) return;
  follows(
    before.vote === undefined || after.vote === before.vote,
    'a vote is given once a term (R1)',
  );
  follows(
    before.leaderId === undefined ||
      after.leaderId === undefined ||
      after.leaderId === before.leaderId,
    'a term has one leader (R13)',
  );
  if (before.role !== 'leader') return;
  follows(after.role === 'leader' || after.role === 'follower', 'a leader stays or steps down');
  follows(
    after.role !== 'leader' || after.lastIndex >= before.lastIndex,
    'a leader never truncates its log (Raft §3.5)',
  );
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
    if (progress === undefined) throw new InvariantError('every member has a progress', { id });
    const { match, next, sentIndex } = progress;
    if (match < 0 || match >= next || match > sentIndex || next > state.log.lastIndex + 1) {
      throw new InvariantError('0 <= match < next (R25), match <= sentIndex, next in reach', {
        id,
        match,
        next,
        sentIndex,
        lastIndex: state.log.lastIndex,
      });
    }
  }
}

function holds(isTrue: boolean, what: string, state: RaftState): void {
  if (isTrue) return;
  const { stableIndex, applyingIndex } = state.log;
  throw new InvariantError(what, {
    id: state.config.id,
    ...remember(state),
    stableIndex,
    applyingIndex,
  });
}
