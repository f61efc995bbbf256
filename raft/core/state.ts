/**
 * The whole mutable state of a member's core as one record. The rules are functions over it, one
 * file per subject; `step.ts` holds the control flow and `collect.ts` takes the work out.
 */
import { assert } from '../../base/assert';
import type { Random } from '../../base/random';
import type { RaftConfig } from './config';
import { Inflights } from './inflights';
import type { LogReader } from './log-reader';
import type { Message, Proposal, ReadKey } from './message';
import { RaftLog } from './raft-log';
import type { ReadState } from './ready';
import { Tracker } from './tracker';
import type { HardState, Index, MemberId, Role, SoftState, Term } from './types';

/** Reads of one round that share an index; confirmed together (Raft §6.4). */
export interface ReadBatch {
  /** Rises by 1 with each batch of a leader's term (R81). */
  readonly number: number;
  /** The commitIndex when the round began. */
  readonly index: Index;
  readonly keys: readonly ReadKey[];
}

/** Reads as a leader sees them: waiting for a first commit or a round, and in rounds. */
export interface LeaderReads {
  /** Not in a batch yet. */
  waiting: ReadKey[];
  /** Sent with heartbeats, in order of their numbers. */
  rounds: ReadBatch[];
  /** The number of the newest batch of this term; 0 before the first. */
  lastBatch: number;
  /** The highest number each member acknowledged in this term. */
  readonly acknowledged: Map<MemberId, number>;
}

/** Reads that this member asked for and that have not ended. All were asked of `leaderId`. */
export interface AskedReads {
  lastCounter: number;
  /** Counters, rising. */
  open: number[];
}

/** A leader that hands over (Raft §3.10), see `transfer.ts`. */
export interface Transfer {
  readonly targetId: MemberId;
  /** Since it began; it has one election timeout. */
  ticks: number;
  /** The target needs entries; it has all and was told to campaign; it said that it does. */
  stage: 'catchingUp' | 'told' | 'accepted';
  /** Forwarded proposals that came in the meantime. */
  readonly held: Proposal[];
}

/**
 * Everything a member's core knows. Invariants are in `invariants.ts`, which is their one list.
 */
export interface RaftState {
  readonly config: RaftConfig;
  readonly random: Random;
  readonly log: RaftLog;
  readonly tracker: Tracker;

  term: Term;
  /** Whom this member voted for in `term`. */
  vote: MemberId | undefined;
  role: Role;
  /** Who leads in `term`, if this member knows; itself for a leader. */
  leaderId: MemberId | undefined;

  /** Ticks since a leader was heard, an election began or, for a leader, the last quorum check. */
  electionElapsed: number;
  heartbeatElapsed: number;
  /** Drawn anew at every change of role or term (R11), in ticks. */
  electionTimeout: number;

  /** Proposals of this leader's term that are not committed (R30). */
  uncommitted: Inflights;
  /** While it is set a leader accepts no proposals (R12). */
  transfer: Transfer | undefined;
  leaderReads: LeaderReads;
  askedReads: AskedReads;

  /** Followers may have something to get: entries, or a new commitIndex. */
  isAppendDue: boolean;
  messages: Message[];
  messagesAfterAppend: Message[];
  readStates: ReadState[];
  /** As the last Ready told them. */
  handedHardState: HardState;
  handedSoftState: SoftState;
}

/** What a core starts from. */
export interface StateOptions {
  readonly config: RaftConfig;
  readonly log: LogReader;
  readonly random: Random;
  readonly appliedIndex: Index;
}

const EMPTY_HARD_STATE: HardState = { term: 0 as Term, vote: undefined, commitIndex: 0 as Index };

/** The state of a member that starts as a follower, after a restart too (Raft §3.8). */
export function createState(options: StateOptions): RaftState {
  const { config } = options;
  const { hardState = EMPTY_HARD_STATE, confState } = options.log.initialState();
  const log = new RaftLog({
    reader: options.log,
    commitIndex: hardState.commitIndex,
    appliedIndex: options.appliedIndex,
  });
  assert(hardState.term >= log.lastPosition.term, 'no entry is of a later term than the member', {
    term: hardState.term,
    lastTerm: log.lastPosition.term,
  });
  const state: RaftState = {
    config,
    random: options.random,
    log,
    tracker: new Tracker(confState, {
      countMax: config.maxInflightMessages,
      bytesMax: config.maxInflightBytes,
    }),
    term: hardState.term,
    vote: hardState.vote,
    role: 'follower',
    leaderId: undefined,
    electionElapsed: 0,
    heartbeatElapsed: 0,
    electionTimeout: 1,
    uncommitted: new Inflights({ countMax: Infinity, bytesMax: Infinity }),
    transfer: undefined,
    leaderReads: { waiting: [], rounds: [], lastBatch: 0, acknowledged: new Map() },
    askedReads: { lastCounter: 0, open: [] },
    isAppendDue: false,
    messages: [],
    messagesAfterAppend: [],
    readStates: [],
    handedHardState: hardState,
    handedSoftState: { role: 'follower', leaderId: undefined },
  };
  // Nobody can be disturbed by the first campaign of a sole voter or of a new cluster.
  if (!isQuickCampaigner(state)) drawElectionTimeout(state);
  return state;
}

/** Draws from [timeout, twice the timeout), so that members seldom campaign at once (Raft §3.4). */
export function drawElectionTimeout(state: RaftState): void {
  const { electionTimeoutTicks, heartbeatTicks } = state.config;
  state.electionTimeout = isQuickCampaigner(state)
    ? heartbeatTicks
    : electionTimeoutTicks + state.random.below(electionTimeoutTicks);
  assert(state.electionTimeout >= 1, 'a timeout takes a tick at least');
}

/**
 * Whether waiting for a timeout helps nobody: for the sole voter always, and by configuration for
 * the first voter of a cluster that never had a leader (others wait for it as usual). It asks again
 * with every heartbeat interval, since its peers may still be starting.
 */
function isQuickCampaigner(state: RaftState): boolean {
  const { config, tracker } = state;
  if (tracker.isSoleVoter(config.id)) return true;
  return (
    config.isFirstCampaignAtOnce &&
    state.term === 0 &&
    state.log.lastIndex === 0 &&
    tracker.voters.incoming[0] === config.id
  );
}

/**
 * Queues a message. Those that promise something stored wait for the disk: votes and
 * acknowledgements (R1), and also `requestVote`, which claims a term and a log. A candidate that
 * lost both in a crash could otherwise run again in the same term with a shorter log, and count
 * votes that were granted to the longer one.
 */
export function send(state: RaftState, message: Message): void {
  assert(message.from === state.config.id, 'a member speaks for itself', { from: message.from });
  switch (message.kind) {
    case 'requestVote':
    case 'requestVoteResponse':
    case 'preVoteResponse':
    case 'appendEntriesResponse':
    case 'installSnapshotResponse':
      state.messagesAfterAppend.push(message);
      return;
    case 'preVote':
    case 'appendEntries':
    case 'heartbeat':
    case 'heartbeatResponse':
    case 'installSnapshot':
    case 'timeoutNow':
    case 'timeoutNowResponse':
    case 'readIndex':
    case 'readIndexResponse':
    case 'propose':
      assert(message.to !== state.config.id, 'only what waits for the disk goes to oneself', {
        kind: message.kind,
      });
      state.messages.push(message);
      return;
  }
}

/** Term, vote and commitIndex of now. */
export function hardStateOf(state: RaftState): HardState {
  return { term: state.term, vote: state.vote, commitIndex: state.log.commitIndex };
}
