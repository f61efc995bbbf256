/** What a member says about itself: for `keelson status`, metrics and tests. Decides nothing. */
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
