/** What a member says about itself: for `keelson status`, metrics and tests. Decides nothing. */
import { assert } from '../../base/assert';
import type { RaftState } from './state';
import type { ConfState, Index, MemberId, Role, Term } from './types';

/** How a leader sees one member. */
export interface ProgressStatus {
  readonly id: MemberId;
  /** See `progress.ts`. */
  readonly state: 'probe' | 'replicate' | 'snapshotting';
  readonly match: Index;
  readonly next: Index;
  readonly isLearner: boolean;
  /** Heard from since the last quorum check. */
  readonly isRecentlyActive: boolean;
  /** It needs entries that the log has released, so only a snapshot can help it. */
  readonly needsSnapshot: boolean;
}

/** A copy of the state worth showing. */
export interface RaftStatus {
  readonly id: MemberId;
  readonly term: Term;
  readonly vote: MemberId | undefined;
  readonly role: Role;
  readonly leaderId: MemberId | undefined;
  readonly commitIndex: Index;
  /** Handed to apply and acknowledged by it. */
  readonly appliedIndex: Index;
  readonly lastIndex: Index;
  /** The last index durable in the own log. */
  readonly stableIndex: Index;
  readonly confState: ConfState;
  /** Empty unless this member leads. */
  readonly progress: readonly ProgressStatus[];
}

/** Takes the copy. */
export function statusOf(state: RaftState): RaftStatus {
  const { config, log, role, tracker } = state;
  return {
    id: config.id,
    term: state.term,
    vote: state.vote,
    role,
    leaderId: state.leaderId,
    commitIndex: log.commitIndex,
    appliedIndex: log.appliedIndex,
    lastIndex: log.lastIndex,
    stableIndex: log.stableIndex,
    confState: tracker.confState,
    progress: role === 'leader' ? tracker.memberIds.map((id) => progressStatus(state, id)) : [],
  };
}

function progressStatus({ tracker }: RaftState, id: MemberId): ProgressStatus {
  const progress = tracker.progressOf(id);
  assert(progress !== undefined, 'every member has a progress', { id });
  return {
    id,
    state: progress.flow.kind,
    match: progress.match,
    next: progress.next,
    isLearner: tracker.isLearner(id),
    isRecentlyActive: progress.isRecentlyActive,
    needsSnapshot: progress.flow.kind === 'snapshotting',
  };
}
