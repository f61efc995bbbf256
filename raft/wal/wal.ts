/** The log on disk (spec: raft 4). Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Disk } from '../../base/disk';
import type { FaultPoint } from '../../base/fault-point';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import type { Index, LogReader } from '../core';

/** Where a log lies, whose it is, and how large its pieces are. */
export interface WalOptions {
  readonly disk: Disk;
  /** Directory of the segments, relative to the disk; made if missing. */
  readonly directory: string;
  readonly clusterId: string;
  readonly memberId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly segmentBytes?: number;
  readonly batchBytesMax?: number;
  readonly batchEntriesMax?: number;
  /** Entries at or below it are not kept in memory; 0 keeps all. */
  readonly releasedIndex?: Index;
  /** False refuses an empty directory: this member had a log once (R66). */
  readonly isCreationAllowed?: boolean;
  readonly faultPoint?: FaultPoint;
}

/** Who wrote a log; told to peers in the hello (T2). */
export interface WalIdentity {
  readonly clusterId: string;
  readonly memberId: string;
  /** Random, made with the log, the same in all segments. */
  readonly logId: string;
  /** Rises by 1 at each open. */
  readonly incarnation: number;
}

/** Opens or creates the log. */
export function openWal(_options: WalOptions): Promise<Wal> {
  return unreachable('written next');
}

/** An open log. */
export interface Wal {
  readonly identity: WalIdentity;
  readonly log: LogReader;
  close(): Promise<void>;
}
