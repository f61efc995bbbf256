/**
 * Takes a turn's work out of the state (ready.ts). Here, and not when it came up, the leader sends
 * its appends and begins its read round: so one Ready carries one append and one round for
 * everything of the turn (Raft §10.2.2).
 */
import { assert } from '../../base/assert';
import { sendHeartbeats } from './heartbeat';
import { beginRound, isRoundDue } from './read-index';
import type { Ready } from './ready';
import { sendAppends } from './replication';
import { hardStateOf, type RaftState } from './state';
import type { HardState, SoftState } from './types';

/** Whether {@link collect} would find anything. */
export function hasWork(state: RaftState): boolean {
  return (
    state.messages.length > 0 ||
    state.messagesAfterAppend.length > 0 ||
    state.readStates.length > 0 ||
    state.log.hasUnhanded ||
    state.log.hasAppliable(state.config.maxCommittedBytesPerReady) ||
    (state.role === 'leader' && (state.isAppendDue || isRoundDue(state))) ||
    isHardStateChanged(state) ||
    isSoftStateChanged(state)
  );
}

/** Takes the work: what is in the result is not given again. */
export function collect(state: RaftState): Ready {
  if (state.role === 'leader') {
    if (isRoundDue(state) && beginRound(state)) sendHeartbeats(state);
    if (state.isAppendDue) sendAppends(state);
  }
  const before = state.handedHardState;
  const hardState = isHardStateChanged(state) ? hardStateOf(state) : undefined;
  const softState = isSoftStateChanged(state) ? softStateOf(state) : undefined;
  const write = state.log.handToWriter();
  const ready: Ready = {
    softState,
    hardState,
    entries: write?.entries ?? [],
    appendAck: write?.ack,
    snapshot: undefined,
    committedEntries: state.log.handToApply(state.config.maxCommittedBytesPerReady),
    readStates: state.readStates,
    messages: state.messages,
    messagesAfterAppend: state.messagesAfterAppend,
    mustSync:
      write !== undefined || (hardState !== undefined && isVoteOrTermNew(before, hardState)),
  };
  assert(
    hardState === undefined || hardState.commitIndex >= before.commitIndex,
    'a stored commitIndex never falls',
    { before: before.commitIndex },
  );
  if (hardState !== undefined) state.handedHardState = hardState;
  if (softState !== undefined) state.handedSoftState = softState;
  state.readStates = [];
  state.messages = [];
  state.messagesAfterAppend = [];
  return ready;
}

function isVoteOrTermNew(before: HardState, now: HardState): boolean {
  return before.term !== now.term || before.vote !== now.vote;
}

function isHardStateChanged(state: RaftState): boolean {
  const handed = state.handedHardState;
  return (
    handed.term !== state.term ||
    handed.vote !== state.vote ||
    handed.commitIndex !== state.log.commitIndex
  );
}

function isSoftStateChanged(state: RaftState): boolean {
  const handed = state.handedSoftState;
  return handed.role !== state.role || handed.leaderId !== state.leaderId;
}

function softStateOf(state: RaftState): SoftState {
  return { role: state.role, leaderId: state.leaderId };
}
