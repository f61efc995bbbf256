/**
 * Leadership on request (Raft §3.10, R12): before a planned stop, or because an operator says so.
 *
 *   begin: no proposals any more ── target has the whole log ──> timeoutNow ──> it campaigns
 *     └── one election timeout without a new leader ──> abort: proposals again
 *
 * Only the waiting is new. The target campaigns without PreVote, and its `requestVote` says that
 * the leader wants it so, or else nobody would vote while a leader is heard (R6). Whether it wins
 * is decided by the same rules as ever; a transfer can fail, and can do no harm.
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import { campaignForTransfer, mayCampaign } from './election';
import { bytesOf } from './memory-log';
import type { Proposal, TimeoutNow, TimeoutNowResponse } from './message';
import { appendProposals, hasRoomFor } from './replication';
import { send, type RaftState } from './state';
import type { MemberId, Term } from './types';

/** What became of the wish: a value, since every case is expected. */
export type TransferStart =
  /** Under way, or it was already; ends with another leader, or within an election timeout. */
  | { readonly kind: 'begun'; readonly targetId: MemberId; readonly term: Term }
  /** Nothing was begun. */
  | { readonly kind: 'refused'; readonly reason: TransferRefusal };

/** Why no transfer began. */
export type TransferRefusal =
  | 'notLeader'
  /** The target is the leader itself. */
  | 'alreadyLeader'
  /** The target is no voter of this configuration. */
  | 'notVoter'
  /** There is nobody else who could lead. */
  | 'noTarget'
  /** A transfer to another member is under way: it ends within an election timeout. */
  | 'busy';

/**
 * Begins to hand over to `wantedId`, by default to the most up-to-date active voter. A transfer
 * that is under way goes on: two targets that campaign at once would only split the votes.
 */
export function beginTransfer(state: RaftState, wantedId?: MemberId): TransferStart {
  if (state.role !== 'leader') return { kind: 'refused', reason: 'notLeader' };
  if (wantedId === state.config.id) return { kind: 'refused', reason: 'alreadyLeader' };
  if (wantedId !== undefined && !isCandidate(state, wantedId)) {
    return { kind: 'refused', reason: 'notVoter' };
  }
  const { transfer, term } = state;
  if (transfer !== undefined) {
    if (wantedId !== undefined && wantedId !== transfer.targetId) {
      return { kind: 'refused', reason: 'busy' };
    }
    return { kind: 'begun', targetId: transfer.targetId, term };
  }
  const targetId = wantedId ?? bestTarget(state);
  if (targetId === undefined) return { kind: 'refused', reason: 'noTarget' };
  state.transfer = { targetId, ticks: 0, stage: 'catchingUp', held: [] };
  state.isAppendDue = true;
  continueTransfer(state, targetId, { mayRepeat: false });
  return { kind: 'begun', targetId, term };
}

/**
 * A member answered: if it is the target and has the whole log, it is told to campaign. With
 * `mayRepeat` it is told again, since the first word may be lost.
 */
export function continueTransfer(
  state: RaftState,
  from: MemberId,
  { mayRepeat }: { readonly mayRepeat: boolean },
): void {
  const { transfer } = state;
  if (transfer?.targetId !== from || transfer.stage === 'accepted') return;
  if (transfer.stage === 'told' && !mayRepeat) return;
  if (state.tracker.progressOf(from)?.match !== state.log.lastIndex) return;
  transfer.stage = 'told';
  send(state, { kind: 'timeoutNow', from: state.config.id, to: from, term: state.term });
}

/** A tick of the leader's clock: one election timeout is all the time that a transfer has. */
export function tickTransfer(state: RaftState): void {
  const { transfer } = state;
  if (transfer === undefined) return;
  transfer.ticks += 1;
  if (transfer.ticks >= state.config.electionTimeoutTicks) abort(state);
}

/**
 * Forwarded proposals while a transfer is under way. Nobody answers those, so they are kept: after
 * an abort they are appended, after a change of leader their sender offers them again. False if
 * there is no room for them.
 */
export function holdForwarded(state: RaftState, proposals: readonly Proposal[]): boolean {
  const { transfer } = state;
  assert(transfer !== undefined, 'proposals are held during a transfer');
  if (!hasRoomFor(state, bytesOf(transfer.held) + bytesOf(proposals))) return false;
  mark('forwarded proposal held by a transfer');
  transfer.held.push(...proposals);
  return true;
}

/** The leader of this term, which is followed, wants this member to take over at once. */
export function handleTimeoutNow(state: RaftState, message: TimeoutNow): void {
  const isCampaigning = mayCampaign(state);
  const { id: from } = state.config;
  // Before the campaign: the answer is of the leader's term, or it would come in the new one's
  // name before that is durable (R1).
  send(state, {
    kind: 'timeoutNowResponse',
    from,
    to: message.from,
    term: state.term,
    isCampaigning,
  });
  if (!isCampaigning) return;
  mark('campaign on the wish of the leader');
  campaignForTransfer(state);
}

/** The target campaigns, and need not be told again; or it may not (R10), and all goes on. */
export function handleTimeoutNowResponse(state: RaftState, message: TimeoutNowResponse): void {
  const { transfer } = state;
  if (transfer?.targetId !== message.from) return;
  if (message.isCampaigning) transfer.stage = 'accepted';
  else abort(state);
}

/** Proposals are accepted again. The target may still win: that is an election like any other. */
function abort(state: RaftState): void {
  const held = state.transfer?.held ?? [];
  state.transfer = undefined;
  mark('transfer aborted');
  appendProposals(state, held);
}

/** Only a voter that stays one may lead. */
function isCandidate(state: RaftState, id: MemberId): boolean {
  return id !== state.config.id && state.tracker.voters.incoming.includes(id);
}

/** Of those heard from lately the one with the longest log; one that needs a snapshot last. */
function bestTarget(state: RaftState): MemberId | undefined {
  let best: MemberId | undefined;
  let bestRank: readonly [number, number] = [0, 0];
  for (const id of state.tracker.voters.incoming) {
    const progress = state.tracker.progressOf(id);
    if (!isCandidate(state, id) || progress === undefined) continue;
    if (progress.flow.kind === 'snapshotting') continue;
    const isActive = progress.isRecentlyActive || progress.wasRecentlyActive;
    const rank = [isActive ? 1 : 0, progress.match] as const;
    const isBetter =
      best === undefined ||
      rank[0] > bestRank[0] ||
      (rank[0] === bestRank[0] && rank[1] > bestRank[1]);
    if (isBetter) [best, bestRank] = [id, rank];
  }
  return best;
}
