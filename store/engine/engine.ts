/**
 * The ordered byte map under the store, as an injected thing: LevelDB in production
 * (`level-engine.ts`), a map in memory for the simulator and the embedded mode
 * (`memory-engine.ts`). `conformance.ts` is what every engine must pass.
 *
 * Promises an engine must keep: a batch is atomic; batches written one after the other survive a
 * crash as a prefix (S3, S4), so only the newest unsynced ones can be lost; iterators and snapshots
 * see one moment and nothing that came later; keys are ordered bytewise.
 */

/** Keys from `start` up to but without `end`; without `end`, up to the last key. */
export interface EngineRange {
  readonly start: Uint8Array;
  readonly end?: Uint8Array | undefined;
}

/** One pair. The bytes are the receiver's, and nobody changes them. */
export interface EngineEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The state at one moment. Costs the engine memory and space until closed. */
export interface EngineSnapshot {
  close(): void;
}

/** How to read. */
export interface EngineReadOptions {
  /** Read the state of that moment instead of the latest. */
  readonly snapshot?: EngineSnapshot | undefined;
}

/** How to iterate. */
export interface EngineIterateOptions extends EngineReadOptions {
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** Leave the values out: they come as empty byte strings. */
  readonly keysOnly?: boolean;
}

/** Walks a range, in chunks because each call may cross into another thread. */
export interface EngineIterator {
  /** The next pairs, at most `count`; none at the end, and only then. */
  next(count: number): Promise<readonly EngineEntry[]>;
  /** Ends the walk; may be called again and after the end. */
  close(): Promise<void>;
}

/** Changes that become visible and durable together. Spent once written. */
export interface EngineBatch {
  /** Number of changes collected. */
  readonly length: number;
  /** Both byte strings are copied: the caller may use the buffers again at once. */
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** `sync`: resolve only when this and everything before it survives a power cut. */
  write(options?: { readonly sync?: boolean }): Promise<void>;
}

/** An ordered map of byte strings on one medium. One owner writes; reads may run beside it. */
export interface KvEngine {
  /** For messages: the directory, or a name. */
  readonly location: string;
  /**
   * About the memory that holds what was written since the last {@link KvEngine.flush}: the owner
   * flushes well before the engine would start a log file of its own accord (S4).
   */
  readonly unflushedBytes: number;
  /** One value at once, undefined if there is none. For point reads of a few microseconds. */
  getSync(key: Uint8Array, options?: EngineReadOptions): Uint8Array | undefined;
  /** Values in the order of the keys. */
  getMany(
    keys: readonly Uint8Array[],
    options?: EngineReadOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Sees the state of the moment of the call (or the snapshot's), whatever is written later. */
  iterate(range: EngineRange, options?: EngineIterateOptions): EngineIterator;
  batch(): EngineBatch;
  snapshot(): EngineSnapshot;
  /**
   * Moves everything written so far out of the engine's log into files that are synced and never
   * change. No write may be in flight. Afterwards a power cut cannot take any of it back.
   */
  flush(): Promise<void>;
  /** About what it occupies on its medium. */
  sizeBytes(): Promise<number>;
  /** May be called twice. Does not flush. */
  close(): Promise<void>;
}

/** Reads a whole range; for ranges known to be small. */
export async function readAll(
  engine: KvEngine,
  range: EngineRange,
  options: EngineIterateOptions = {},
): Promise<EngineEntry[]> {
  const iterator = engine.iterate(range, options);
  const entries: EngineEntry[] = [];
  try {
    for (;;) {
      const chunk = await iterator.next(1000);
      if (chunk.length === 0) return entries;
      for (const entry of chunk) entries.push(entry);
    }
  } finally {
    await iterator.close();
  }
}
