/**
 * The active configuration, and what is known of each of its members: progress (of a leader),
 * votes (of a candidate). Membership changes come with the next step; until then a configuration
 * is what the stable log told at start.
 */
import { assert } from '../../base/assert';
import { RAFT_LIMITS } from '../limits';
import type { InflightLimits } from './inflights';
import { newProgress, type Progress } from './progress';
import { isQuorum, quorumReached, voteResult, type VoteResult, type VoterSets } from './quorum';
import type { ConfState, Index, MemberId } from './types';

/** Progress and votes of all members. */
export class Tracker {
  readonly #limits: InflightLimits;
  #confState: ConfState;
  #voters: VoterSets;
  #memberIds: readonly MemberId[] = [];
  readonly #progress = new Map<MemberId, Progress>();
  readonly #votes = new Map<MemberId, boolean>();

  constructor(confState: ConfState, limits: InflightLimits) {
    this.#limits = limits;
    this.#confState = confState;
    this.#voters = { incoming: confState.voters, outgoing: confState.votersOutgoing };
    this.restore(confState, 1 as Index);
  }

  get confState(): ConfState {
    return this.#confState;
  }

  get voters(): VoterSets {
    return this.#voters;
  }

  /** The window of each follower. */
  get inflightLimits(): InflightLimits {
    return this.#limits;
  }

  /** Voters of both halves, then learners, each once. */
  get memberIds(): readonly MemberId[] {
    return this.#memberIds;
  }

  /** Sets the configuration; members new to it are searched from `next` on. */
  restore(confState: ConfState, next: Index): void {
    assert(confState.voters.length <= RAFT_LIMITS.votersMax, 'a configuration is within limits', {
      voters: confState.voters.length,
    });
    this.#confState = confState;
    this.#voters = { incoming: confState.voters, outgoing: confState.votersOutgoing };
    const { voters, votersOutgoing, learners, learnersNext } = confState;
    this.#memberIds = [...new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext])];
    const members = new Set(this.#memberIds);
    for (const id of [...this.#progress.keys()]) if (!members.has(id)) this.#progress.delete(id);
    for (const id of members)
      if (!this.#progress.has(id)) this.#progress.set(id, newProgress(next));
  }

  isVoter(id: MemberId): boolean {
    return this.#voters.incoming.includes(id) || this.#voters.outgoing.includes(id);
  }

  isLearner(id: MemberId): boolean {
    return !this.isVoter(id) && this.#progress.has(id);
  }

  /** Whether `id` alone decides everything. */
  isSoleVoter(id: MemberId): boolean {
    const { incoming, outgoing } = this.#voters;
    return incoming.length === 1 && incoming[0] === id && outgoing.every((other) => other === id);
  }

  /** Undefined for somebody outside of the configuration. */
  progressOf(id: MemberId): Progress | undefined {
    return this.#progress.get(id);
  }

  /** Forgets what was known of every member: a new term begins. */
  resetProgress(next: Index): void {
    for (const id of this.#memberIds) this.#progress.set(id, newProgress(next));
  }

  /** The largest index that a quorum has durably (Raft §3.5); the caller checks its term (R20). */
  quorumMatch(): Index {
    return quorumReached(this.#voters, (id) => this.#progress.get(id)?.match) as Index;
  }

  /** Whether a quorum answered since this was last asked; `selfId` answers itself. */
  takeQuorumActive(selfId: MemberId): boolean {
    const isActive = isQuorum(
      this.#voters,
      (id) => id === selfId || this.#progress.get(id)?.isRecentlyActive === true,
    );
    for (const progress of this.#progress.values()) {
      progress.wasRecentlyActive = progress.isRecentlyActive;
      progress.isRecentlyActive = false;
    }
    return isActive;
  }

  /** Forgets all votes: a new round begins (R5). */
  clearVotes(): void {
    this.#votes.clear();
  }

  /** Counts a vote; the first one of a member stays. */
  recordVote(id: MemberId, isGranted: boolean): VoteResult {
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
    return voteResult(this.#voters, this.#votes);
  }
}
