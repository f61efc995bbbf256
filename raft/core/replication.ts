/**
 * Bringing the leader's log to the others (Raft §3.5), pipelined and batched (§10.2.2), and
 * committing it (§3.6.2).
 *
 * Nothing is sent at the moment it is proposed or acknowledged: `isAppendDue` says that there may
 * be something to send, and `sendAppends` is called once per Ready. So everything that was
 * proposed in one turn travels in one append, and a window that opens is used at once.
 */
import { assert, assertNever } from '../../base/assert';
import { mark } from '../../base/mark';
import { RAFT_LIMITS } from '../limits';
import { bytesOf } from './memory-log';
import type { AppendEntries, AppendEntriesResponse, AppendResult, Proposal } from './message';
import {
  accept,
  becomeSnapshotting,
  mayTakeEntries,
  noteSent,
  noteUnreachable,
  reject,
  type Progress,
} from './progress';
import { assertContiguous } from './raft-log';
import { send, type RaftState } from './state';
import type { Entry, Index, MemberId } from './types';

/** Whether proposals of `bytes` stay under the cap (R30): when nothing waits anything fits. */
export function hasRoomFor(state: RaftState, bytes: number): boolean {
  const waiting = state.uncommitted.bytes;
  return bytes === 0 || waiting === 0 || waiting + bytes <= state.config.maxUncommittedBytes;
}

/** Appends proposals to the leader's log. The caller has checked {@link hasRoomFor}. */
export function appendProposals(state: RaftState, proposals: readonly Proposal[]): void {
  assert(state.role === 'leader', 'a leader appends proposals', { role: state.role });
  const first = state.log.lastIndex + 1;
  const entries = proposals.map(({ kind, data }, place): Entry => ({
    index: (first + place) as Index,
    term: state.term,
    kind,
    data,
  }));
  const last = entries.at(-1);
  if (last === undefined) return;
  state.log.append(entries);
  state.uncommitted.add(last.index, bytesOf(entries));
  state.isAppendDue = true;
}

/** Sends what each member may take now: entries, or a commitIndex that it does not know. */
export function sendAppends(state: RaftState): void {
  assert(state.role === 'leader', 'a leader sends appends', { role: state.role });
  state.isAppendDue = false;
  for (const id of state.tracker.memberIds) {
    const progress = state.tracker.progressOf(id);
    if (id === state.config.id || progress === undefined) continue;
    let left: number = RAFT_LIMITS.appendsPerReadyMax;
    while (left > 0 && sendAppend(state, id, progress)) left -= 1;
    // More than one turn may take: go on with the next one.
    if (left === 0) state.isAppendDue = true;
  }
}

/**
 * An append without entries to a member whose answers are missing: it finds out whether what was
 * sent has arrived, and carries commitIndex past a full window (R29).
 */
export function sendProbe(state: RaftState, id: MemberId): void {
  const progress = state.tracker.progressOf(id);
  if (progress === undefined || progress.flow.kind === 'snapshotting') return;
  if (progress.flow.kind === 'probe') {
    // The append or its answer may be lost: the search goes on with real entries.
    progress.flow.isPaused = false;
    state.isAppendDue = true;
    if (progress.next <= state.log.lastIndex) return;
  }
  if (!isReachable(state, progress)) return;
  emitAppend(state, id, progress, []);
}

/** The transport lost what was under way to a member (R34). */
export function handleUnreachable(state: RaftState, id: MemberId): void {
  const progress = state.tracker.progressOf(id);
  if (state.role !== 'leader' || id === state.config.id || progress === undefined) return;
  noteUnreachable(progress);
  // No resend now, it would be lost as well: the answer to a heartbeat opens the probe again.
  if (progress.flow.kind === 'probe') progress.flow.isPaused = true;
}

/** Follows the leader's log; the sender leads in this member's term, see `step.ts`. */
export function handleAppendEntries(state: RaftState, message: AppendEntries): void {
  const { log } = state;
  const { prevIndex, prevTerm, entries } = message;
  assertContiguous(prevIndex, entries);
  const matchIndex =
    prevIndex < log.firstIndex - 1
      ? skipReleased(state, message)
      : log.maybeAppend({ index: prevIndex, term: prevTerm }, entries);
  if (matchIndex === undefined) {
    const hint = log.findHint(prevIndex, prevTerm);
    respond(state, message.from, {
      kind: 'rejected',
      prevIndex,
      hintIndex: hint.index,
      hintTerm: hint.term,
    });
    return;
  }
  // Beyond what the message covers this log may differ from the leader's (R23).
  log.commitTo(Math.min(message.commitIndex, matchIndex) as Index);
  respond(state, message.from, { kind: 'accepted', matchIndex });
}

/** A member's answer: moves its progress, and perhaps the commitIndex. */
export function handleAppendEntriesResponse(
  state: RaftState,
  message: AppendEntriesResponse,
): void {
  const progress = state.tracker.progressOf(message.from);
  if (state.role !== 'leader' || progress === undefined) return;
  assert(message.from !== state.config.id, 'the own match moves by storage acknowledgements');
  progress.isRecentlyActive = true;
  const { result } = message;
  switch (result.kind) {
    case 'accepted':
      if (!accept(progress, result.matchIndex, state.tracker.inflightLimits)) return;
      assert(progress.match <= state.log.lastIndex, 'nobody has more of a term than its leader', {
        match: progress.match,
        lastIndex: state.log.lastIndex,
      });
      maybeCommit(state);
      state.isAppendDue = true;
      return;
    case 'rejected': {
      // The follower skipped the terms above the leader's, now the leader those above its own.
      const hint = state.log.findHint(result.hintIndex, result.hintTerm);
      if (reject(progress, result.prevIndex, hint.index)) state.isAppendDue = true;
      return;
    }
    case 'stale':
      return;
    default:
      assertNever(result);
  }
}

/** Commits what a quorum has durably, if it is of the own term (R20); returns whether it moved. */
export function maybeCommit(state: RaftState): boolean {
  assert(state.role === 'leader', 'a leader commits', { role: state.role });
  const index = state.tracker.quorumMatch();
  if (index <= state.log.commitIndex) return false;
  if (state.log.termAt(index) !== state.term) {
    mark('entry of an earlier term not committed by counting');
    return false;
  }
  state.log.commitTo(index);
  state.uncommitted.freeTo(index);
  state.isAppendDue = true;
  return true;
}

/** Answers a message of a deposed leader with the own term, so that it steps down (R7). */
export function respondStale(state: RaftState, to: MemberId): void {
  respond(state, to, { kind: 'stale' });
}

/** Sends one append if there is something for the member; whether there may be more. */
function sendAppend(state: RaftState, id: MemberId, progress: Progress): boolean {
  if (progress.flow.kind === 'snapshotting') return false;
  const { log } = state;
  const isNewsDue = Math.min(log.commitIndex, progress.next - 1) > progress.sentCommit;
  const mayTake = mayTakeEntries(progress);
  if (progress.flow.kind === 'probe' && !mayTake) return false;
  const hasEntries = mayTake && progress.next <= log.lastIndex;
  if (!hasEntries && !isNewsDue) return false;
  if (!isReachable(state, progress)) return false;
  emitAppend(state, id, progress, hasEntries ? takeEntries(state, progress) : []);
  return hasEntries && progress.next <= log.lastIndex;
}

/** Whether the log still reaches back to where the member is; if not, it needs a snapshot. */
function isReachable(state: RaftState, progress: Progress): boolean {
  if (state.log.termAt((progress.next - 1) as Index) !== undefined) return true;
  mark('follower needs a snapshot');
  becomeSnapshotting(progress, (state.log.firstIndex - 1) as Index);
  return false;
}

function takeEntries(state: RaftState, progress: Progress): readonly Entry[] {
  const end = Math.min(state.log.lastIndex + 1, progress.next + RAFT_LIMITS.entriesPerMessageMax);
  return state.log.entries(progress.next, end as Index, state.config.maxMessageBytes);
}

function emitAppend(
  state: RaftState,
  to: MemberId,
  progress: Progress,
  entries: readonly Entry[],
): void {
  const { log } = state;
  const prevIndex = (progress.next - 1) as Index;
  const prevTerm = log.termAt(prevIndex);
  assert(prevTerm !== undefined, 'an append begins inside of the log', { prevIndex });
  assertContiguous(prevIndex, entries);
  const commitIndex = log.commitIndex;
  send(state, {
    kind: 'appendEntries',
    from: state.config.id,
    to,
    term: state.term,
    prevIndex,
    prevTerm,
    entries,
    commitIndex,
  });
  noteSent(progress, { prevIndex, count: entries.length, bytes: bytesOf(entries), commitIndex });
}

/**
 * An append that begins below what this log still holds: the released part is committed, so it
 * agrees with every leader's log (R22), and only the rest is looked at.
 */
function skipReleased(state: RaftState, message: AppendEntries): Index | undefined {
  const { log } = state;
  const base = (log.firstIndex - 1) as Index;
  const term = log.termAt(base);
  const covered = (message.prevIndex + message.entries.length) as Index;
  if (term === undefined || covered <= base) return covered;
  return log.maybeAppend({ index: base, term }, message.entries.slice(base - message.prevIndex));
}

function respond(state: RaftState, to: MemberId, result: AppendResult): void {
  send(state, {
    kind: 'appendEntriesResponse',
    from: state.config.id,
    to,
    term: state.term,
    result,
  });
}
