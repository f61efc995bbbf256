/**
 * The leader's regular signs of life: they keep the others from campaigning, tell a safe
 * commitIndex and carry the newest read batch (Raft §3.4, §6.4). Their answers feed the quorum
 * check: a leader that a quorum does not answer for an election timeout steps down (§6.2). That
 * check, with the refusal of votes while a leader is heard, is also what a lease for reads (§6.4.1)
 * would need; reads by lease are not offered.
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import type { Heartbeat, HeartbeatResponse } from './message';
import { noteReadAcknowledged } from './read-index';
import { sendProbe } from './replication';
import { becomeFollower } from './roles';
import { send, type RaftState } from './state';
import type { Index } from './types';

/** Sends a heartbeat to every other member. */
export function sendHeartbeats(state: RaftState): void {
  assert(state.role === 'leader', 'a leader sends heartbeats', { role: state.role });
  for (const to of state.tracker.memberIds) {
    const progress = state.tracker.progressOf(to);
    if (to === state.config.id || progress === undefined) continue;
    send(state, {
      kind: 'heartbeat',
      from: state.config.id,
      to,
      term: state.term,
      // Never beyond what the member surely shares with this log (R23).
      commitIndex: Math.min(progress.match, state.log.commitIndex) as Index,
      readBatch: state.leaderReads.lastBatch,
    });
  }
}

/** Follows; the sender leads in this member's term, see `step.ts`. */
export function handleHeartbeat(state: RaftState, message: Heartbeat): void {
  state.log.commitTo(message.commitIndex);
  send(state, {
    kind: 'heartbeatResponse',
    from: state.config.id,
    to: message.from,
    term: state.term,
    readBatch: message.readBatch,
  });
}

/** A member lives: confirms reads, and gets a probe if appends or their answers may be lost. */
export function handleHeartbeatResponse(state: RaftState, message: HeartbeatResponse): void {
  const progress = state.tracker.progressOf(message.from);
  if (state.role !== 'leader' || progress === undefined) return;
  progress.isRecentlyActive = true;
  noteReadAcknowledged(state, message);
  if (progress.match < state.log.lastIndex || progress.flow.kind === 'probe') {
    sendProbe(state, message.from);
  }
}

/** Steps down if no quorum answered since the last check. */
export function checkQuorum(state: RaftState): void {
  assert(state.role === 'leader', 'a leader checks its quorum', { role: state.role });
  if (state.tracker.takeQuorumActive(state.config.id)) return;
  mark('leader without a quorum steps down');
  becomeFollower(state, state.term, undefined);
}
