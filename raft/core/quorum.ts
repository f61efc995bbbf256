/**
 * Majorities (Raft §3.4) and joint majorities (§4.3) as pure functions. In a joint configuration
 * votes, commitment, reads and the quorum check each need a majority of *both* halves (R53): every
 * such decision of the core goes through this file.
 */
import { assert } from '../../base/assert';
import type { MemberId } from './types';

/** The voting part of a configuration; `outgoing` is empty outside of joint consensus. */
export interface VoterSets {
  readonly incoming: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
}

/** What a set of votes decides. */
export type VoteResult = 'won' | 'lost' | 'pending';

/** How many of `count` members are a majority. */
export function majorityOf(count: number): number {
  assert(count > 0, 'a majority is of somebody', { count });
  return Math.floor(count / 2) + 1;
}

/**
 * The largest number that a quorum has reached: the commit index for match indices, the confirmed
 * batch for acknowledged read batches. A voter that `reached` does not know has reached 0.
 */
export function quorumReached(
  voters: VoterSets,
  reached: (id: MemberId) => number | undefined,
): number {
  const incoming = majorityReached(voters.incoming, reached);
  if (voters.outgoing.length === 0) return incoming;
  return Math.min(incoming, majorityReached(voters.outgoing, reached));
}

/** Decides an election; a voter without an entry in `votes` has not answered. */
export function voteResult(voters: VoterSets, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  const incoming = majorityVote(voters.incoming, votes);
  if (voters.outgoing.length === 0) return incoming;
  const outgoing = majorityVote(voters.outgoing, votes);
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';
}

/** Whether the members that satisfy `isCounted` are a quorum. */
export function isQuorum(voters: VoterSets, isCounted: (id: MemberId) => boolean): boolean {
  return quorumReached(voters, (id) => (isCounted(id) ? 1 : 0)) === 1;
}

function majorityReached(
  voters: readonly MemberId[],
  reached: (id: MemberId) => number | undefined,
): number {
  const values = voters.map((id) => reached(id) ?? 0).sort((a, b) => b - a);
  // Descending: as many as a majority have reached at least the value at this place.
  return values[majorityOf(voters.length) - 1] as number;
}

function majorityVote(
  voters: readonly MemberId[],
  votes: ReadonlyMap<MemberId, boolean>,
): VoteResult {
  const needed = majorityOf(voters.length);
  let granted = 0;
  let open = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) open += 1;
    else if (vote) granted += 1;
  }
  if (granted >= needed) return 'won';
  return granted + open >= needed ? 'pending' : 'lost';
}
