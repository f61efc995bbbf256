/**
 * The control flow of a message: first the term gate, then the role, then one handler. And of a
 * tick. Every change of the state begins here or in a call of `raw-node.ts`.
 */
import { assert, assertNever } from '../../base/assert';
import { mark } from '../../base/mark';
import {
  campaign,
  handlePreVote,
  handlePreVoteResponse,
  handleRequestVote,
  handleRequestVoteResponse,
  hearsLeader,
} from './election';
import { checkQuorum, handleHeartbeat, handleHeartbeatResponse, sendHeartbeats } from './heartbeat';
import { bytesOf } from './memory-log';
import {
  carriesTerm,
  type AppendEntries,
  type Heartbeat,
  type Message,
  type Propose,
  type TimeoutNow,
} from './message';
import { handleReadIndex, handleReadIndexResponse } from './read-index';
import {
  appendProposals,
  handleAppendEntries,
  handleAppendEntriesResponse,
  hasRoomFor,
  respondStale,
} from './replication';
import { becomeFollower } from './roles';
import { send, type RaftState } from './state';
import {
  continueTransfer,
  handleTimeoutNow,
  handleTimeoutNowResponse,
  holdForwarded,
  tickTransfer,
} from './transfer';

/** Takes one message. A message that is late or misdirected is no error and changes nothing. */
export function step(state: RaftState, message: Message): void {
  assert(message.to === state.config.id, 'a message is for this member', {
    to: message.to,
    kind: message.kind,
  });
  if (carriesTerm(message.kind) && !passesTermGate(state, message)) return;
  dispatch(state, message);
}

/** A tick of the clock. */
export function tick(state: RaftState): void {
  state.electionElapsed += 1;
  if (state.role === 'leader') tickLeader(state);
  else if (state.electionElapsed >= state.electionTimeout) {
    state.electionElapsed = 0;
    campaign(state);
  }
}

function tickLeader(state: RaftState): void {
  state.heartbeatElapsed += 1;
  if (state.electionElapsed >= state.config.electionTimeoutTicks) {
    state.electionElapsed = 0;
    if (state.config.isCheckQuorumOn) checkQuorum(state);
    if (state.role !== 'leader') return;
  }
  tickTransfer(state);
  if (state.heartbeatElapsed >= state.config.heartbeatTicks) {
    state.heartbeatElapsed = 0;
    sendHeartbeats(state);
  }
}

/** Brings this member to a later term, answers what is late; whether the message goes on. */
function passesTermGate(state: RaftState, message: Message): boolean {
  if (message.term > state.term) return passesLaterTerm(state, message);
  if (message.term < state.term) {
    answerEarlierTerm(state, message);
    return false;
  }
  return true;
}

function passesLaterTerm(state: RaftState, message: Message): boolean {
  switch (message.kind) {
    case 'preVote':
      // Asks about a term that nobody has entered: changes nothing (R4).
      return !isRefusedByLease(state, message);
    case 'preVoteResponse':
      if (message.isGranted) return true;
      break;
    case 'requestVote':
      if (isRefusedByLease(state, message)) return false;
      break;
    case 'appendEntries':
    case 'heartbeat':
    case 'installSnapshot':
    case 'readIndexResponse':
    case 'timeoutNow':
      // Only the leader of that term sends these.
      becomeFollower(state, message.term, message.from);
      return true;
    default:
      break;
  }
  becomeFollower(state, message.term, undefined);
  return true;
}

/** R6: a member that hears a leader does not help to replace it, but for a leader's own wish. */
function isRefusedByLease(state: RaftState, message: Message): boolean {
  if (message.kind === 'requestVote' && message.isTransfer) return false;
  if (message.from === state.leaderId || !hearsLeader(state)) return false;
  mark(`${message.kind} refused by lease`);
  return true;
}

function answerEarlierTerm(state: RaftState, message: Message): void {
  const { id: from } = state.config;
  switch (message.kind) {
    case 'appendEntries':
    case 'heartbeat':
    case 'installSnapshot':
      // Its sender leads a term that is over, or this member is stuck at a term that never had a
      // leader: either way the sender must see this term (R7).
      if (state.config.isPreVoteOn || state.config.isCheckQuorumOn) {
        mark('stuck member freed');
        respondStale(state, message.from);
      }
      return;
    case 'preVote':
      // Not dropped: two members at different terms could else ask for ever (R4).
      send(state, {
        kind: 'preVoteResponse',
        from,
        to: message.from,
        term: state.term,
        isGranted: false,
      });
      return;
    case 'heartbeatResponse':
      mark('read acknowledgement after leader change');
      return;
    default:
      mark('message of an earlier term dropped');
  }
}

function dispatch(state: RaftState, message: Message): void {
  switch (message.kind) {
    case 'preVote':
      handlePreVote(state, message);
      break;
    case 'preVoteResponse':
      handlePreVoteResponse(state, message);
      break;
    case 'requestVote':
      handleRequestVote(state, message);
      break;
    case 'requestVoteResponse':
      handleRequestVoteResponse(state, message);
      break;
    case 'appendEntries':
      followLeader(state, message);
      handleAppendEntries(state, message);
      break;
    case 'appendEntriesResponse':
      handleAppendEntriesResponse(state, message);
      continueTransfer(state, message.from, { mayRepeat: false });
      break;
    case 'heartbeat':
      followLeader(state, message);
      handleHeartbeat(state, message);
      break;
    case 'heartbeatResponse':
      handleHeartbeatResponse(state, message);
      continueTransfer(state, message.from, { mayRepeat: true });
      break;
    case 'readIndex':
      handleReadIndex(state, message);
      break;
    case 'readIndexResponse':
      handleReadIndexResponse(state, message);
      break;
    case 'propose':
      handlePropose(state, message);
      break;
    case 'timeoutNow':
      followLeader(state, message);
      handleTimeoutNow(state, message);
      break;
    case 'timeoutNowResponse':
      handleTimeoutNowResponse(state, message);
      break;
    case 'installSnapshot':
    case 'installSnapshotResponse':
      // Kinds of a later version (message.ts): not sent by this one, and not acted upon.
      mark('message of a later version dropped');
      break;
    default:
      assertNever(message);
  }
}

/** The sender leads in this term: follow it, and begin the election timeout anew. */
function followLeader(state: RaftState, message: AppendEntries | Heartbeat | TimeoutNow): void {
  assert(state.role !== 'leader', 'a term has one leader (R13)', {
    ...describe(state),
    from: message.from,
    kind: message.kind,
  });
  if (state.role !== 'follower' || state.leaderId !== message.from) {
    becomeFollower(state, message.term, message.from);
  }
  state.electionElapsed = 0;
}

function describe(state: RaftState): Readonly<Record<string, unknown>> {
  const { config, term, vote, role, leaderId, log } = state;
  const { commitIndex, lastIndex, appliedIndex } = log;
  return { id: config.id, term, vote, role, leaderId, commitIndex, lastIndex, appliedIndex };
}

/** Forwarded proposals: a member that does not lead drops them, their sender must ask again. */
function handlePropose(state: RaftState, message: Propose): void {
  const { role, transfer } = state;
  if (role === 'leader' && transfer !== undefined && holdForwarded(state, message.proposals))
    return;
  const isOpen = role === 'leader' && transfer === undefined;
  if (isOpen && hasRoomFor(state, bytesOf(message.proposals))) {
    appendProposals(state, message.proposals);
  } else mark('forwarded proposal dropped');
}
