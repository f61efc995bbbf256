/** One replica: Raft, the state and the wire, assembled from injected parts. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Disk } from '../../base/disk';
import type { FaultPoint } from '../../base/fault-point';
import type { Logger } from '../../base/logger';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import type { RaftSettings } from '../../raft/core';
import type { KvEngine } from '../engine';
import type { MemberStatus, TxnKv } from '../kv';

/** A voter of the cluster, this one included. */
export interface ReplicaPeer {
  readonly memberId: string;
  readonly name: string;
  readonly address: string;
}

/** Who this replica is and how it behaves. */
export interface ReplicaConfig {
  readonly clusterId: string;
  readonly memberId: string;
  readonly name: string;
  /** Where it listens, for peers and clients alike. */
  readonly address: string;
  /** All voters, this one included, in the same order everywhere. */
  readonly peers: readonly ReplicaPeer[];
  /** Default `RAFT_DEFAULTS`. */
  readonly raft?: RaftSettings;
  /** How much history the compactor keeps; 0 turns it off. Default 5 min. */
  readonly historyKeptMs?: number;
  /** Size of a log segment; default of `raft/limits`. */
  readonly walSegmentBytes?: number;
}

/** Everything a replica is made of. It closes none of these but what it opens itself. */
export interface ReplicaOptions {
  readonly config: ReplicaConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** The data directory; `wal/` in it belongs to the log. */
  readonly disk: Disk;
  readonly network: Network;
  readonly engine: KvEngine;
  readonly logger?: Logger;
  readonly faults?: FaultPoint;
}

/** A running replica. */
export class Replica {
  /** Opens log and state, listens, joins its peers. */
  static open(_options: ReplicaOptions): Promise<Replica> {
    return unreachable('being written');
  }

  /** This replica's store, called directly. */
  declare readonly kv: TxnKv;
  /** The address really bound. */
  declare readonly address: string;

  status(): Promise<MemberStatus> {
    return unreachable('being written');
  }

  /** Ends with the replica: resolves after `close`, rejects on what must end the process (R95). */
  run(): Promise<void> {
    return unreachable('being written');
  }

  /** Stops accepting, drains, flushes, closes. May be called twice. */
  close(): Promise<void> {
    return unreachable('being written');
  }
}
