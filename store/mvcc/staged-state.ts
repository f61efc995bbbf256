/**
 * The state as the commands of one batch see it: what the engine holds, overlaid with what earlier
 * commands of the same batch changed. Each command is a {@link WriteTxn} on top of it; at the end
 * `finish` adds what is written once per batch: current column, leases, journal, applied (S1).
 * Pure and synchronous: the engine comes in as a look-up, changes go out through a sink.
 */
import { assert } from '../../base/assert';
import { bytesId } from '../../base/bytes';
import type { Hash128 } from '../../base/hash128';
import type { KeyRange, KeyValue, Revision } from '../kv';
import { RecordWriter, type RecordSink } from './checked-record';
import {
  addToStateHash,
  CurrentRecordMaker,
  removeFromStateHash,
  type CurrentRecord,
} from './current-column';
import { putJournal } from './journal';
import { leaseKey } from './keyspace';
import { putLease, type LeaseRecord } from './lease-record';
import { putApplied, type AppliedRecord, type Configuration } from './meta';
import { isInRange, type ReadSet } from './read-set';

/** What was there before the batch. */
export interface StateSource {
  /** A live key, looked up at once; `id` is its `bytesId`. */
  current(key: Uint8Array, id: string): CurrentRecord | undefined;
  lease(leaseId: string): LeaseRecord | undefined;
}

/** One key that the batch changed. */
interface StagedKey {
  readonly base: CurrentRecord | undefined;
  /** In order; the last is the state now; undefined stands for deleted. */
  readonly versions: { readonly main: Revision; readonly record: CurrentRecord | undefined }[];
}

/** Tools that live as long as the store, so that their buffers are used again. */
export interface Encoders {
  readonly writer: RecordWriter;
  readonly records: CurrentRecordMaker;
}

/** Makes the tools. */
export function makeEncoders(): Encoders {
  return { writer: new RecordWriter(), records: new CurrentRecordMaker() };
}

/** The engine's state and the batch's changes to it. */
export class StagedState {
  readonly encoders: Encoders;
  readonly sink: RecordSink;
  readonly readSet: ReadSet;
  readonly #source: StateSource;
  readonly #base: AppliedRecord;
  readonly #keys = new Map<string, StagedKey>();
  readonly #leases = new Map<string, LeaseRecord | undefined>();
  revision: Revision;
  compactRevision: Revision;
  fold: number;

  constructor(options: {
    readonly base: AppliedRecord;
    readonly source: StateSource;
    readonly readSet: ReadSet;
    readonly sink: RecordSink;
    readonly encoders: Encoders;
  }) {
    this.#base = options.base;
    this.#source = options.source;
    this.readSet = options.readSet;
    this.sink = options.sink;
    this.encoders = options.encoders;
    this.revision = options.base.revision;
    this.compactRevision = options.base.compactRevision;
    this.fold = options.base.fold;
  }

  /** The key as it is now. */
  current(key: Uint8Array, id = bytesId(key)): CurrentRecord | undefined {
    const staged = this.#keys.get(id);
    return staged === undefined ? this.#source.current(key, id) : staged.versions.at(-1)?.record;
  }

  /** All live keys of a range as they are now, in key order. The range must have been fetched. */
  currentRange(range: KeyRange): CurrentRecord[] {
    const base = this.readSet.current(range);
    assert(base !== undefined, 'a range is fetched before it is read');
    return this.#overlay(
      base,
      (record) => record.keyValue,
      range,
      (staged) => {
        return staged.versions.at(-1)?.record;
      },
    );
  }

  /** A range as it was at `revision`, which must be readable, and fetched. */
  rangeAt(range: KeyRange, revision: Revision): KeyValue[] {
    assert(revision >= this.compactRevision && revision <= this.revision, 'revision is readable', {
      revision,
    });
    if (revision <= this.#base.revision) {
      const past = this.readSet.past(range, revision);
      assert(past !== undefined, 'a past range is fetched before it is read', { revision });
      return [...past];
    }
    const base = this.readSet.current(range);
    assert(base !== undefined, 'a range is fetched before it is read');
    const records = this.#overlay(
      base,
      (record) => record.keyValue,
      range,
      (staged) => {
        const version = staged.versions.findLast(({ main }) => main <= revision);
        return version === undefined ? staged.base : version.record;
      },
    );
    return records.map(({ keyValue }) => keyValue);
  }

  /** Keys attached to a lease now, in key order. */
  attachedKeys(leaseId: string): CurrentRecord[] {
    const candidates = new Map<string, Uint8Array>();
    for (const key of this.readSet.attached(leaseId)) candidates.set(bytesId(key), key);
    for (const [id, { versions }] of this.#keys) {
      const record = versions.at(-1)?.record;
      if (record?.keyValue.leaseId === leaseId) candidates.set(id, record.keyValue.key);
    }
    // The record decides: attachments that were fetched may have ended in this batch.
    const records: CurrentRecord[] = [];
    for (const key of candidates.values()) {
      const record = this.current(key);
      if (record?.keyValue.leaseId === leaseId) records.push(record);
    }
    return records.sort(byKey);
  }

  lease(leaseId: string): LeaseRecord | undefined {
    return this.#leases.has(leaseId) ? this.#leases.get(leaseId) : this.#source.lease(leaseId);
  }

  setLease(leaseId: string, lease: LeaseRecord | undefined): void {
    this.#leases.set(leaseId, lease);
  }

  /** Called by a write transaction: the key is now `record`, since revision `main`. */
  stage(options: {
    /** The key's `bytesId`. */
    readonly id: string;
    readonly main: Revision;
    readonly previous: CurrentRecord | undefined;
    readonly record: CurrentRecord | undefined;
  }): void {
    const { id, main, previous, record } = options;
    assert(main === this.revision + 1, 'changes belong to the next revision', { main });
    const staged = this.#keys.get(id);
    if (staged === undefined) this.#keys.set(id, { base: previous, versions: [{ main, record }] });
    else staged.versions.push({ main, record });
  }

  /**
   * Writes what is written once per batch; returns the new meta record. `changed` and `leases`
   * tell the owner of caches what the batch did.
   */
  finish(options: {
    readonly firstIndex: number;
    readonly index: number;
    readonly term: number;
    readonly configuration: Configuration;
    readonly changeCount: () => number;
  }): AppliedRecord {
    const { index, term, configuration } = options;
    assert(options.firstIndex === this.#base.index + 1, 'entries are applied in order (R32)', {
      firstIndex: options.firstIndex,
      applied: this.#base.index,
    });
    assert(term >= this.#base.term, 'the term of applied entries never falls', { term });
    const stateHash = Int32Array.from(this.#base.stateHash);
    this.#keys.forEach((staged) => this.#finishKey(staged, stateHash));
    const { writer } = this.encoders;
    for (const [leaseId, lease] of this.#leases) {
      if (lease === undefined) this.sink.delete(leaseKey(leaseId));
      else putLease(writer, this.sink, lease);
    }
    const { revision, compactRevision, fold } = this;
    const link = putJournal(writer, this.sink, {
      firstIndex: options.firstIndex,
      lastIndex: index,
      lastTerm: term,
      revisionAfter: revision,
      changeCount: options.changeCount(),
      previousLink: this.#base.link,
    });
    const base = { index, term, revision, compactRevision };
    const applied = { ...base, stateHash, fold, link, configuration };
    putApplied(writer, this.sink, applied);
    return applied;
  }

  /** Every key the batch changed, as it is now. */
  forEachChangedKey(tell: (id: string, record: CurrentRecord | undefined) => void): void {
    this.#keys.forEach(({ versions }, id) => tell(id, versions.at(-1)?.record));
  }

  /** Every lease the batch changed, as it is now. */
  changedLeases(): ReadonlyMap<string, LeaseRecord | undefined> {
    return this.#leases;
  }

  #finishKey({ base, versions }: StagedKey, stateHash: Hash128): void {
    const record = versions.at(-1)?.record;
    if (base !== undefined) {
      removeFromStateHash(stateHash, base);
      if (record === undefined) this.sink.delete(base.engineKey);
    }
    if (record !== undefined) {
      addToStateHash(stateHash, record);
      this.sink.put(record.engineKey, record.engineValue);
    }
  }

  #overlay<T>(
    base: readonly T[],
    keyValueOf: (item: T) => KeyValue,
    range: KeyRange,
    pick: (staged: StagedKey) => T | undefined,
  ): T[] {
    if (this.#keys.size === 0) return [...base];
    const items = base.filter((item) => !this.#keys.has(bytesId(keyValueOf(item).key)));
    for (const [id, staged] of this.#keys) {
      if (!isInRange(Buffer.from(id, 'latin1'), range)) continue;
      const item = pick(staged);
      if (item !== undefined) items.push(item);
    }
    return items.sort((a, b) => Buffer.compare(keyValueOf(a).key, keyValueOf(b).key));
  }
}

function byKey(a: CurrentRecord, b: CurrentRecord): number {
  return Buffer.compare(a.keyValue.key, b.keyValue.key);
}
