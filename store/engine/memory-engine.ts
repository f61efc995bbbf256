/**
 * An engine in memory, for the simulator, tests and the embedded mode. It behaves towards a crash
 * as `level-engine.ts` is made to: batches that were not synced may be lost, but only as a suffix
 * (S3, S4). `crash` gives what a process would find after one, `fork` a copy in O(1).
 */
import { assert } from '../../base/assert';
import { copyBytes, EMPTY_BYTES } from '../../base/bytes';
import { OrderedMap, type ReadonlyOrderedMap } from '../../base/ordered-map';
import type {
  EngineBatch,
  EngineEntry,
  EngineIterateOptions,
  EngineIterator,
  EngineRange,
  EngineReadOptions,
  EngineSnapshot,
  KvEngine,
} from './engine';

type Pairs = OrderedMap<Uint8Array, Uint8Array>;
type ReadonlyPairs = ReadonlyOrderedMap<Uint8Array, Uint8Array>;

interface Change {
  readonly key: Uint8Array;
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined;
}

/** Bytes that a change takes beside its key and value, as LevelDB's memory has it. */
const CHANGE_OVERHEAD_BYTES = 48;

/** Told before each batch becomes visible; a throw stands for a crash there. */
export type WriteObserver = (batch: { readonly length: number; readonly sync: boolean }) => void;

/** How to make one. */
export interface MemoryEngineOptions {
  readonly location?: string;
  readonly onWrite?: WriteObserver;
}

class MemorySnapshot implements EngineSnapshot {
  readonly pairs: ReadonlyPairs;

  constructor(pairs: ReadonlyPairs) {
    this.pairs = pairs;
  }

  close(): void {
    // Memory is given back when nobody refers to the pairs any more.
  }
}

/** A sorted map with batches, snapshots and crashes. */
export class MemoryEngine implements KvEngine {
  readonly location: string;
  readonly #onWrite: WriteObserver | undefined;
  #pairs: Pairs;
  /** The state that a power cut cannot take back, and the batches since. */
  #durable: Pairs;
  #unsynced: (readonly Change[])[] = [];
  #unflushedBytes = 0;
  #isClosed = false;

  constructor(options: MemoryEngineOptions = {}, pairs?: OrderedMap<Uint8Array, Uint8Array>) {
    this.location = options.location ?? 'memory';
    this.#onWrite = options.onWrite;
    this.#pairs = pairs ?? new OrderedMap((a, b) => Buffer.compare(a, b));
    this.#durable = this.#pairs.fork();
  }

  get unflushedBytes(): number {
    return this.#unflushedBytes;
  }

  /** How many batches a crash may take back now. */
  get unsyncedBatches(): number {
    return this.#unsynced.length;
  }

  /** What a new process finds after a crash that left the first `keptBatches` unsynced ones. */
  crash(keptBatches: number, options: MemoryEngineOptions = {}): MemoryEngine {
    assert(keptBatches >= 0 && keptBatches <= this.#unsynced.length, 'a crash keeps what there is');
    const pairs = this.#durable.fork();
    for (const changes of this.#unsynced.slice(0, keptBatches)) applyChanges(pairs, changes);
    this.#isClosed = true;
    return new MemoryEngine({ location: this.location, ...options }, pairs);
  }

  /** An engine of its own that holds what this one holds now. */
  fork(options: MemoryEngineOptions = {}): MemoryEngine {
    return new MemoryEngine({ location: this.location, ...options }, this.#pairs.fork());
  }

  /** Damages a stored value in place, for tests of integrity. */
  corrupt(key: Uint8Array, value: Uint8Array | undefined): void {
    for (const pairs of [this.#pairs, this.#durable]) {
      if (value === undefined) pairs.delete(key);
      else pairs.set(copyBytes(key), copyBytes(value));
    }
  }

  getSync(key: Uint8Array, options: EngineReadOptions = {}): Uint8Array | undefined {
    return this.#pairsOf(options).get(key);
  }

  async getMany(
    keys: readonly Uint8Array[],
    options: EngineReadOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    // A real engine reads in another thread: callers must not rely on an answer in the same turn.
    const pairs = options.snapshot === undefined ? this.#pairs.snapshot() : this.#pairsOf(options);
    await Promise.resolve();
    return keys.map((key) => pairs.get(key));
  }

  iterate(range: EngineRange, options: EngineIterateOptions = {}): EngineIterator {
    const pairs = options.snapshot === undefined ? this.#pairs.snapshot() : this.#pairsOf(options);
    const { start: from, end: to } = range;
    const { reverse = false, keysOnly = false } = options;
    const entries = pairs.entries({ from, to, reverse });
    return {
      next: async (count) => {
        assert(count >= 1, 'an iterator is asked for at least one pair', { count });
        await Promise.resolve();
        const chunk: EngineEntry[] = [];
        while (chunk.length < count) {
          const step = entries.next();
          if (step.done === true) break;
          const [key, value] = step.value;
          chunk.push({ key, value: keysOnly ? EMPTY_BYTES : value });
        }
        return chunk;
      },
      close: async () => {
        entries.return?.();
        await Promise.resolve();
      },
    };
  }

  batch(): EngineBatch {
    const changes: Change[] = [];
    let bytes = 0;
    let isWritten = false;
    const add = (key: Uint8Array, value: Uint8Array | undefined): void => {
      assert(!isWritten, 'a batch is spent once written');
      changes.push({ key: copyBytes(key), value: value && copyBytes(value) });
      bytes += key.length + (value?.length ?? 0) + CHANGE_OVERHEAD_BYTES;
    };
    return {
      get length() {
        return changes.length;
      },
      put: add,
      delete: (key) => {
        add(key, undefined);
      },
      write: async ({ sync = false } = {}) => {
        assert(!isWritten && !this.#isClosed, 'a batch is written once, to an open engine');
        isWritten = true;
        await Promise.resolve();
        this.#onWrite?.({ length: changes.length, sync });
        applyChanges(this.#pairs, changes);
        this.#unsynced.push(changes);
        this.#unflushedBytes += bytes;
        if (sync) this.#makeDurable();
        await Promise.resolve();
      },
    };
  }

  snapshot(): EngineSnapshot {
    return new MemorySnapshot(this.#pairs.snapshot());
  }

  async flush(): Promise<void> {
    await Promise.resolve();
    this.#makeDurable();
    this.#unflushedBytes = 0;
  }

  sizeBytes(): Promise<number> {
    let bytes = 0;
    for (const [key, value] of this.#pairs.entries()) bytes += key.length + value.length;
    return Promise.resolve(bytes);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #makeDurable(): void {
    this.#durable = this.#pairs.fork();
    this.#unsynced = [];
  }

  #pairsOf({ snapshot }: EngineReadOptions): ReadonlyPairs {
    if (snapshot === undefined) return this.#pairs;
    assert(snapshot instanceof MemorySnapshot, 'a snapshot is used on the engine it came from');
    return snapshot.pairs;
  }
}

function applyChanges(pairs: Pairs, changes: readonly Change[]): void {
  for (const { key, value } of changes) {
    if (value === undefined) pairs.delete(key);
    else pairs.set(key, value);
  }
}
