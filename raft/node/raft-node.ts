/**
 * One member of a Raft group: the loop that feeds a `RawNode` and carries out its Readys. Skeleton
 * of signatures; the loop follows.
 */
import { unreachable } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import type { Index, MemberId, RaftSettings, RaftStatus } from '../core';
import type { PeerStatus, Transport } from '../transport/transport';
import type { Wal } from '../wal/wal';
import type { StateMachine } from './state-machine';

/** Who leads, as far as this member knows. */
export interface Leadership {
  readonly term: number;
  readonly isLeader: boolean;
  readonly leaderId: MemberId | undefined;
}

/** What a member is made of. */
export interface RaftNodeOptions {
  readonly memberId: MemberId;
  /** The voters of a new cluster: used while the state machine knows no configuration. */
  readonly initialVoters: readonly MemberId[];
  readonly settings: RaftSettings;
  /** Opened for this member; the node closes it. */
  readonly wal: Wal;
  /** The node starts and closes it. */
  readonly transport: Transport;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a member tells about itself. */
export interface RaftNodeStatus extends RaftStatus {
  readonly firstIndex: Index;
  readonly peers: readonly PeerStatus[];
}

/** The driver. */
export class RaftNode {
  constructor(_options: RaftNodeOptions) {
    unreachable('written next');
  }

  /**
   * Runs until `signal` aborts (then resolves, closed) or something fails: then it rejects, and the
   * owner must end the process (R61, R95).
   */
  run(_signal: AbortSignal): Promise<void> {
    return unreachable('written next');
  }

  /**
   * Offers data to the log, here or at the leader. Resolves when handed over; rejects with
   * `RAFT_NO_LEADER`, `RAFT_PROPOSAL_DROPPED` or `RAFT_STOPPED` if it certainly was not.
   */
  propose(_data: Uint8Array): Promise<void> {
    return unreachable('written next');
  }

  /**
   * An index that covers every write acknowledged before the call (Raft §6.4). Rejects with
   * `RAFT_LEADER_CHANGED` or `RAFT_NO_LEADER`: ask again.
   */
  readIndex(_signal?: AbortSignal): Promise<Index> {
    return unreachable('written next');
  }

  leadership(): Leadership {
    return unreachable('written next');
  }

  /** Tells each change of term, role or leader; returns the way to stop. */
  onLeadershipChange(_tell: (leadership: Leadership) => void): () => void {
    return unreachable('written next');
  }

  status(): RaftNodeStatus {
    return unreachable('written next');
  }

  /** Ends the loop, the transport and the log. May be called twice. */
  close(): Promise<void> {
    return unreachable('written next');
  }
}
