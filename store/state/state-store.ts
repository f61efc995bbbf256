/**
 * The replicated state on an engine. `apply` is the one path that writes it: fetch what the
 * commands read, evaluate all of them without suspending, write one engine batch that also moves
 * the applied index (S1, R60), then let reads and watches see it. Flushes and physical compaction
 * take turns with it.
 */
import { assert } from '../../base/assert';
import { noFaults, type FaultPoint } from '../../base/fault-point';
import { hash128ToHex } from '../../base/hash128';
import { Serial } from '../../base/serial';
import type { KvEngine } from '../engine';
import type { Revision } from '../kv';
import type { Lease } from '../lease';
import {
  makeEncoders,
  StagedState,
  type AppliedRecord,
  type Configuration,
  type LeaseRecord,
} from '../mvcc';
import type { RevisionEvents } from '../watch';
import type { AppliedPosition, ApplyOutcome, StateEntry } from './apply-outcome';
import { Compactor } from './compactor';
import { CurrentSource } from './current-source';
import { evaluateCommand } from './evaluate';
import { EventReader } from './event-reader';
import { Flusher } from './flusher';
import { openState, type OpenedState } from './open';
import { RangeReader } from './range-reader';
import { fetchReadSet } from './fetch-read-set';
import { ReadViews } from './read-view';

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
  /** Steps: `applyBeforeBatch`, `applyAfterBatch`, `flushBeforeMeta`, `compactBeforeBatch`. */
  readonly faults?: FaultPoint;
  /**
   * Called in the very turn in which reads begin to see a batch, before `apply` resolves: queue
   * watch events here, and no answer can overtake them.
   */
  readonly onApplied?: (outcome: ApplyOutcome) => void;
}

const DEFAULTS = {
  syncEveryBatch: false,
  flushBytes: 16 * 1024 * 1024,
  flushEntries: 40_000,
  cacheBytes: 4 * 1024 * 1024,
  faults: noFaults,
  onApplied: (): void => undefined,
} as const;

/** The state of one replica. */
export class StateStore {
  readonly #options: Required<StateStoreOptions>;
  readonly #engine: KvEngine;
  readonly #views: ReadViews;
  readonly #source: CurrentSource;
  readonly #leases: Map<string, LeaseRecord>;
  readonly #compactor: Compactor;
  readonly #flusher: Flusher;
  readonly #encoders = makeEncoders();
  readonly #serial = new Serial();
  #syncEveryBatch: boolean;
  #applied: AppliedRecord;
  #isClosed = false;

  /** Gets and lists. */
  readonly ranges: RangeReader;
  /** Old events for watches. */
  readonly events: EventReader;

  /** Checks what it finds (spec: store 6, point 2): `STORE_CORRUPT` or `STORE_INVALID`. */
  static async open(options: StateStoreOptions): Promise<StateStore> {
    const opened = await openState(options.engine, options.clusterId);
    return new StateStore(options, opened);
  }

  private constructor(options: StateStoreOptions, opened: OpenedState) {
    this.#options = { ...DEFAULTS, ...options };
    const { engine, cacheBytes, faults } = this.#options;
    this.#engine = engine;
    this.#applied = opened.applied;
    this.#syncEveryBatch = this.#options.syncEveryBatch;
    this.#leases = opened.leases;
    this.#source = new CurrentSource({ engine, leases: this.#leases, cacheBytes });
    this.#compactor = new Compactor({ engine, compactDone: opened.compactDone, faults });
    this.#flusher = new Flusher({ engine, flushed: opened.flushed, faults });
    this.#views = new ReadViews(engine, () => this.#applied);
    this.ranges = new RangeReader(engine, this.#views);
    this.events = new EventReader(engine, this.#views);
  }

  applied(): AppliedPosition {
    const { index, term, configuration } = this.#applied;
    return { index, term, confState: configuration };
  }

  /** The current revision: 1 if nothing was ever written. */
  revision(): Revision {
    return this.#applied.revision;
  }

  compactRevision(): Revision {
    return this.#applied.compactRevision;
  }

  /** The index that a power cut cannot take back (R40). */
  durableAppliedIndex(): number {
    return this.#flusher.flushed.index;
  }

  /** 32 hex digits over all live keys: equal on all members at the same index. */
  stateHash(): string {
    return hash128ToHex(this.#applied.stateHash);
  }

  /** All leases, for a new leader's lessor. */
  leases(): Iterable<Lease> {
    return this.#leases.values();
  }

  /** One lease; undefined if there is none. */
  lease(leaseId: string): Lease | undefined {
    return this.#leases.get(leaseId);
  }

  /** S6: whether each batch is synced. */
  setSyncEveryBatch(sync: boolean): void {
    this.#syncEveryBatch = sync;
  }

  /**
   * Applies whole entries in one engine batch; `confState` is the membership after the last of
   * them. Several calls are worked off in their order. A rejection is fatal (R95).
   */
  apply(entries: readonly StateEntry[], confState: Configuration): Promise<ApplyOutcome> {
    return this.#serial.run(() => this.#apply(entries, confState));
  }

  /** Removes some of what the compact revision allows; false when nothing is left to remove. */
  compactSlice(recordsMax = 1000): Promise<boolean> {
    return this.#serial.run(() => this.#compactor.slice(this.compactRevision(), recordsMax));
  }

  /** Makes everything applied safe against a power cut; moves `durableAppliedIndex`. */
  flush(): Promise<void> {
    return this.#serial.run(() => this.#flusher.flush(this.#applied));
  }

  sizeBytes(): Promise<number> {
    return this.#engine.sizeBytes();
  }

  /** Flushes; closes neither the engine nor anything else of its owner's. May be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.flush();
    this.#views.close();
  }

  async #apply(
    entries: readonly StateEntry[],
    configuration: Configuration,
  ): Promise<ApplyOutcome> {
    assert(entries.length > 0, 'a batch has an entry');
    const readSet = await fetchReadSet(entries, this.#engine, this.ranges, this.#applied);
    const batch = this.#engine.batch();
    const staged = new StagedState({
      base: this.#applied,
      source: this.#source,
      readSet,
      sink: batch,
      encoders: this.#encoders,
    });
    const outcome = evaluateAll(staged, entries);
    const last = entries.at(-1) as StateEntry;
    const applied = staged.finish({
      firstIndex: (entries[0] as StateEntry).index,
      index: last.index,
      term: last.term,
      configuration,
      changeCount: () => batch.length,
    });
    await this.#options.faults('applyBeforeBatch');
    this.#views.beginWrite();
    await batch.write({ sync: this.#syncEveryBatch });
    await this.#options.faults('applyAfterBatch');
    const result = { ...outcome, ...visible(applied) };
    this.#publish(staged, applied, result);
    await this.#maybeFlush();
    return result;
  }

  /** From here on reads see the batch; its events are queued in the same turn. */
  #publish(staged: StagedState, applied: AppliedRecord, outcome: ApplyOutcome): void {
    staged.forEachChangedKey((id, record) => this.#source.set(id, record));
    for (const [leaseId, lease] of staged.changedLeases()) {
      if (lease === undefined) this.#leases.delete(leaseId);
      else this.#leases.set(leaseId, lease);
    }
    this.#applied = applied;
    this.#views.endWrite();
    this.#options.onApplied(outcome);
  }

  async #maybeFlush(): Promise<void> {
    const { flushBytes, flushEntries } = this.#options;
    const entries = this.#applied.index - this.#flusher.flushed.index;
    const isDue = this.#engine.unflushedBytes >= flushBytes || entries >= flushEntries;
    if (isDue) await this.#flusher.flush(this.#applied);
  }
}

function evaluateAll(
  staged: StagedState,
  entries: readonly StateEntry[],
): Pick<ApplyOutcome, 'results' | 'changes'> {
  const changes: RevisionEvents[] = [];
  let previous = (entries[0] as StateEntry).index - 1;
  const results = entries.map(({ index, term, command }) => {
    assert(index === previous + 1, 'entries of a batch are contiguous (R32)', { index, previous });
    previous = index;
    return command === undefined ? undefined : evaluateCommand(staged, command, term, changes);
  });
  return { results, changes };
}

function visible(
  applied: AppliedRecord,
): Pick<ApplyOutcome, 'revision' | 'compactRevision' | 'appliedIndex'> {
  const { revision, compactRevision, index } = applied;
  return { revision, compactRevision, appliedIndex: index };
}
