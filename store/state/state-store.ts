/** The replicated state on an engine. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { FaultPoint } from '../../base/fault-point';
import type { Command, CommandResult } from '../command';
import type { KvEngine } from '../engine';
import type { Revision } from '../kv';
import type { Lease } from '../lease';
import type { RevisionEvents } from '../watch';
import type { EventReader } from './event-reader';
import type { RangeReader } from './range-reader';

/** The membership, as Raft's `ConfState` has it; the store only keeps it. */
export interface Configuration {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
}

/** One committed entry; no command for empty entries and membership changes. */
export interface StateEntry {
  readonly index: number;
  readonly term: number;
  readonly command: Command | undefined;
}

/** How far the state is, stored together with it (R60). */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  readonly confState: Configuration;
}

/** What one batch of entries did. */
export interface ApplyOutcome {
  /** One for each entry, in order; undefined for entries without a command. */
  readonly results: readonly (CommandResult | undefined)[];
  readonly changes: readonly RevisionEvents[];
  /** After the batch. */
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly appliedIndex: number;
}

/** How to open a state. */
export interface StateStoreOptions {
  readonly engine: KvEngine;
  /** 16 hex digits; data of another cluster is refused. */
  readonly clusterId: string;
  /** S6: for a cluster with a single voter. May be changed later. */
  readonly syncEveryBatch?: boolean;
  /** Flush after this many bytes (S4); at most half of the engine's write buffer. */
  readonly flushBytes?: number;
  readonly flushEntries?: number;
  /** Memory for records read before writes. */
  readonly cacheBytes?: number;
  readonly faults?: FaultPoint;
  /**
   * Called in the very turn in which reads begin to see a batch, before `apply` resolves: queue
   * watch events here, and no answer can overtake them.
   */
  readonly onApplied?: (outcome: ApplyOutcome) => void;
}

/** The state of one replica. */
export class StateStore {
  /** Checks what it finds (spec: store 6, point 2): `STORE_CORRUPT` or `STORE_INVALID`. */
  static open(_options: StateStoreOptions): Promise<StateStore> {
    return unreachable('being written');
  }

  /** Gets and lists. */
  declare readonly ranges: RangeReader;
  /** Old events for watches. */
  declare readonly events: EventReader;

  applied(): AppliedPosition {
    return unreachable('being written');
  }

  /** The current revision: 1 if nothing was ever written. */
  revision(): Revision {
    return unreachable('being written');
  }

  compactRevision(): Revision {
    return unreachable('being written');
  }

  /** The index that a power cut cannot take back (R40). */
  durableAppliedIndex(): number {
    return unreachable('being written');
  }

  /** 32 hex digits over all live keys: equal on all members at the same index. */
  stateHash(): string {
    return unreachable('being written');
  }

  /** All leases, for a new leader's lessor. */
  leases(): Iterable<Lease> {
    return unreachable('being written');
  }

  /** S6: whether each batch is synced. */
  setSyncEveryBatch(_sync: boolean): void {
    unreachable('being written');
  }

  /** Applies whole entries in one engine batch; call it one at a time. A rejection is fatal (R95). */
  apply(_entries: readonly StateEntry[], _confState: Configuration): Promise<ApplyOutcome> {
    return unreachable('being written');
  }

  /** Removes some of what the compact revision allows; false when nothing is left to remove. */
  compactSlice(_recordsMax?: number): Promise<boolean> {
    return unreachable('being written');
  }

  /** Makes everything applied safe against a power cut; moves `durableAppliedIndex`. */
  flush(): Promise<void> {
    return unreachable('being written');
  }

  sizeBytes(): Promise<number> {
    return unreachable('being written');
  }

  /** Flushes; closes neither the engine nor anything else of its owner's. May be called twice. */
  close(): Promise<void> {
    return unreachable('being written');
  }
}
