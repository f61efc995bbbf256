/**
 * How a leader sees the log of one member, and all transitions between the three ways of sending:
 *
 *              accepted                     entries released
 *     probe  ----------->  replicate      probe, replicate ---> snapshotting
 *       ^  <-----------                                           |
 *       |   rejected, unreachable                                 |
 *       +---------------------------------------------------------+
 *                     installed, failed (R45)
 *
 * probe: agreement is being searched; one append, then a pause until an answer or a heartbeat
 * response. replicate: `next` runs ahead of the answers, limited by a window. snapshotting: the log
 * cannot help; nothing is sent but heartbeats.
 */
import { assert, assertNever } from '../../base/assert';
import { Inflights, type InflightLimits } from './inflights';
import type { Index } from './types';

/** Searching for agreement: at most one append under way. */
export interface Probe {
  readonly kind: 'probe';
  isPaused: boolean;
}

/** Agreement is known; appends are pipelined (Raft §10.2.2). */
export interface Replicate {
  readonly kind: 'replicate';
  readonly inflights: Inflights;
}

/** The entries needed are released: only a snapshot of at least `pendingIndex` helps (Raft §5). */
export interface Snapshotting {
  readonly kind: 'snapshotting';
  readonly pendingIndex: Index;
}

/**
 * One member's progress. Invariant: 0 <= match < next (R25), match <= sentIndex.
 */
export interface Progress {
  /** The member's log agrees with the leader's up to here, durably. */
  match: Index;
  /** The first index of the next append. */
  next: Index;
  /** The last index that an append of this term covered: answers count no further (R26). */
  sentIndex: Index;
  /** The commitIndex that the member knows if nothing got lost; heartbeats repair the rest. */
  sentCommit: Index;
  /** Answered anything since the last quorum check. */
  isRecentlyActive: boolean;
  /** Answered anything between the last two quorum checks. */
  wasRecentlyActive: boolean;
  flow: Probe | Replicate | Snapshotting;
}

/** A member at the start of a term: nothing is known, the search begins at the log's end. */
export function newProgress(next: Index): Progress {
  assert(next > 0, 'indexes begin at 1', { next });
  return {
    match: 0 as Index,
    next,
    sentIndex: 0 as Index,
    sentCommit: 0 as Index,
    isRecentlyActive: false,
    wasRecentlyActive: false,
    flow: { kind: 'probe', isPaused: false },
  };
}

/** Goes (back) to the search; what was sent beyond `match` may be lost (R34). */
export function becomeProbe(progress: Progress): void {
  const after =
    progress.flow.kind === 'snapshotting'
      ? Math.max(progress.match, progress.flow.pendingIndex)
      : progress.match;
  progress.next = (after + 1) as Index;
  progress.sentCommit = Math.min(progress.sentCommit, after) as Index;
  progress.flow = { kind: 'probe', isPaused: false };
}

/** Agreement is found at `match`. */
export function becomeReplicate(progress: Progress, limits: InflightLimits): void {
  assert(progress.flow.kind !== 'replicate', 'the window is made once');
  progress.next = (progress.match + 1) as Index;
  progress.flow = { kind: 'replicate', inflights: new Inflights(limits) };
}

/** The log does not reach back far enough. */
export function becomeSnapshotting(progress: Progress, pendingIndex: Index): void {
  assert(pendingIndex >= progress.match, 'a snapshot takes nothing away', { pendingIndex });
  progress.next = (progress.match + 1) as Index;
  progress.flow = { kind: 'snapshotting', pendingIndex };
}

/** Whether entries may be sent. */
export function mayTakeEntries(progress: Progress): boolean {
  const { flow } = progress;
  switch (flow.kind) {
    case 'probe':
      return !flow.isPaused;
    case 'replicate':
      return !flow.inflights.isFull;
    case 'snapshotting':
      return false;
    default:
      return assertNever(flow);
  }
}

/** What an append carried. */
export interface SentAppend {
  readonly prevIndex: Index;
  readonly count: number;
  readonly bytes: number;
  readonly commitIndex: Index;
}

/** Notes an append that was sent. */
export function noteSent(progress: Progress, sent: SentAppend): void {
  const { flow } = progress;
  const covered = (sent.prevIndex + sent.count) as Index;
  assert(sent.prevIndex === progress.next - 1, 'an append begins at next', {
    prevIndex: sent.prevIndex,
    next: progress.next,
  });
  progress.sentIndex = Math.max(progress.sentIndex, covered) as Index;
  const told = Math.min(sent.commitIndex, covered) as Index;
  if (told > progress.sentCommit) progress.sentCommit = told;
  if (flow.kind === 'probe') {
    flow.isPaused = true;
  } else if (flow.kind === 'replicate' && sent.count > 0) {
    progress.next = (covered + 1) as Index;
    flow.inflights.add(covered, sent.bytes);
  }
}

/**
 * Takes an acceptance up to `index`; returns whether it says anything new. Beyond what this leader
 * sent in this term nothing is believed (R26).
 */
export function accept(progress: Progress, index: Index, limits: InflightLimits): boolean {
  const match = Math.min(index, progress.sentIndex) as Index;
  const isNew = match > progress.match;
  if (isNew) progress.match = match;
  if (progress.next <= progress.match) progress.next = (progress.match + 1) as Index;
  const { flow } = progress;
  switch (flow.kind) {
    case 'probe':
      // An answer to an append without entries finds agreement just as well.
      if (match < progress.match) return false;
      becomeReplicate(progress, limits);
      return true;
    case 'replicate':
      flow.inflights.freeTo(progress.match);
      return isNew;
    case 'snapshotting':
      if (progress.match < flow.pendingIndex) return isNew;
      becomeProbe(progress);
      return true;
    default:
      return assertNever(flow);
  }
}

/**
 * Takes a rejection of an append at `prevIndex`; `hint` is the largest index that may agree.
 * Returns whether it is about the present state and not about an append that was settled since.
 */
export function reject(progress: Progress, prevIndex: Index, hint: Index): boolean {
  const { flow } = progress;
  switch (flow.kind) {
    case 'replicate':
      if (prevIndex <= progress.match) return false;
      becomeProbe(progress);
      return true;
    case 'probe':
      if (prevIndex !== progress.next - 1 || prevIndex <= progress.match) return false;
      progress.next = Math.max(Math.min(prevIndex, hint + 1), progress.match + 1) as Index;
      progress.sentCommit = Math.min(progress.sentCommit, progress.next - 1) as Index;
      flow.isPaused = false;
      return true;
    case 'snapshotting':
      return false;
    default:
      return assertNever(flow);
  }
}

/** The transport could not deliver: what ran ahead is searched again (R34). */
export function noteUnreachable(progress: Progress): void {
  if (progress.flow.kind === 'replicate') becomeProbe(progress);
}
