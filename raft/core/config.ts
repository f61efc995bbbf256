/** Settings of the core: each with its unit, its default (spec: raft 6) and its bounds. */
import { raftError } from '../errors';
import type { MemberId } from './types';

/** How time passes. A tick is `tickMs` of the driver's monotonic clock (R11). */
export interface RaftTiming {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  /** The timeout of each election is drawn from [this, twice this). */
  readonly electionTimeoutTicks: number;
}

/** What one member's core is given at its start; see {@link RAFT_DEFAULTS}. */
export interface RaftConfig extends RaftTiming {
  readonly id: MemberId;
  /** Starts of this member so far, this one included: makes its read keys unique (R82). */
  readonly incarnation: number;
  /** Ask before campaigning (Raft §9.6). Off only in tests. */
  readonly isPreVoteOn: boolean;
  /** A leader without a quorum steps down; members that hear a leader refuse votes (R6). */
  readonly isCheckQuorumOn: boolean;
  /** A follower passes proposals on to the leader; else it refuses them. */
  readonly isForwardingOn: boolean;
  /** The first voter of a cluster that never had a leader does not wait for a timeout. */
  readonly isFirstCampaignAtOnce: boolean;
  /** Entry data of one append; at least one entry always. */
  readonly maxMessageBytes: number;
  /** Appends without an answer, per follower. */
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Beyond it a leader refuses proposals (R30). */
  readonly maxUncommittedBytes: number;
  /** Bounds what one Ready hands to apply, and what apply may owe before it gets more. */
  readonly maxCommittedBytesPerReady: number;
}

/** Everything that has a default. */
export type RaftSettings = Omit<RaftConfig, 'id' | 'incarnation'>;

const MIB = 1024 * 1024;

/** The default profile. */
export const RAFT_DEFAULTS: RaftSettings = {
  tickMs: 10,
  heartbeatTicks: 5,
  electionTimeoutTicks: 50,
  isPreVoteOn: true,
  isCheckQuorumOn: true,
  isForwardingOn: true,
  isFirstCampaignAtOnce: false,
  maxMessageBytes: MIB,
  maxInflightMessages: 256,
  maxInflightBytes: 8 * MIB,
  maxUncommittedBytes: 64 * MIB,
  maxCommittedBytesPerReady: 4 * MIB,
};

/** Profile `up`: members on one machine, by `keelson up`. */
export const RAFT_UP: RaftSettings = {
  ...RAFT_DEFAULTS,
  heartbeatTicks: 3,
  electionTimeoutTicks: 20,
  isFirstCampaignAtOnce: true,
};

/** Profile `fast`: members in one rack, on quiet hosts. */
export const RAFT_FAST: RaftSettings = {
  ...RAFT_DEFAULTS,
  heartbeatTicks: 2,
  electionTimeoutTicks: 10,
};

/** Checks a configuration; throws `RAFT_CONFIG_INVALID` naming the first setting that is wrong. */
export function checkConfig(config: RaftConfig): void {
  const counts = {
    tickMs: config.tickMs,
    incarnation: config.incarnation,
    heartbeatTicks: config.heartbeatTicks,
    electionTimeoutTicks: config.electionTimeoutTicks,
    maxMessageBytes: config.maxMessageBytes,
    maxInflightMessages: config.maxInflightMessages,
    maxInflightBytes: config.maxInflightBytes,
    maxUncommittedBytes: config.maxUncommittedBytes,
    maxCommittedBytesPerReady: config.maxCommittedBytesPerReady,
  };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 1)
      refuse(`${name} is not a positive integer`, value);
  }
  // Equal, a single late heartbeat would start an election (Raft §3.9).
  if (config.electionTimeoutTicks <= config.heartbeatTicks) {
    refuse('electionTimeoutTicks is not above heartbeatTicks', config.electionTimeoutTicks);
  }
}

function refuse(condition: string, value: number): never {
  throw raftError(
    'RAFT_CONFIG_INVALID',
    `Cannot start Raft as ${condition}: received ${String(value)}`,
  );
}
