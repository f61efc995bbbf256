/**
 * LevelDB as an engine, and the only importer of `level`.
 *
 * Ownership of LevelDB's log switches (S3, S4): LevelDB closes a full log file without syncing it,
 * so a later synced write would prove nothing about it, and a power cut could leave a hole. The
 * owner therefore flushes while `unflushedBytes` is at most half of `writeBufferBytes`, so that
 * LevelDB never switches by itself; a flush is one synced write and then a compaction of an empty
 * range, which moves the memory table into a synced table file before a new log begins.
 *
 * Neither of LevelDB's checksum options can be reached from here: each record carries its own
 * (`mvcc/checked-record.ts`).
 */
import { Level } from 'level';
import { assert } from '../../base/assert';
import { EMPTY_BYTES } from '../../base/bytes';
import { storeError, type StoreError } from '../errors';
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

/** `level` also runs in browsers and so does not declare what only LevelDB has. */
type Database = Level<Uint8Array, Uint8Array> & {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number>;
};

/** LevelDB's skip list and record headers take about this much beside key and value. */
const CHANGE_OVERHEAD_BYTES = 48;
/** Above every key: deleted only to have something to sync. */
const FLUSH_KEY = new Uint8Array(32).fill(0xff);
/** The default of 16 KiB cuts chunks short and doubles the cost of a scan. */
const ITERATOR_BYTES = 1024 * 1024;

/** How to open a directory. */
export interface LevelEngineOptions {
  readonly directory: string;
  /** Memory for what is not flushed yet; at least twice the owner's flush interval. */
  readonly writeBufferBytes?: number;
  /** Memory for blocks that were read. */
  readonly cacheBytes?: number;
}

/** Opens or creates a LevelDB directory. Fails with a message that names directory and remedy. */
export async function openLevelEngine(options: LevelEngineOptions): Promise<KvEngine> {
  const { directory, writeBufferBytes = 32 * 1024 * 1024, cacheBytes = 8 * 1024 * 1024 } = options;
  const database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: writeBufferBytes,
    cacheSize: cacheBytes,
  }) as Database;
  try {
    await database.open();
  } catch (error) {
    throw openError(directory, error);
  }
  return new LevelEngine(database);
}

function openError(directory: string, error: unknown): StoreError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return storeError(
      'STORE_INVALID',
      `Cannot open the store in ${directory} as another process has it open: ` +
        'stop that process, or use another data directory',
      { cause: error, details: { directory } },
    );
  }
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_NOT_FOUND') {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return damaged(directory, reason, error);
  }
  const reason = cause instanceof Error ? cause.message : String(error);
  return storeError('STORE_INVALID', `Cannot open the store in ${directory}: ${reason}`, {
    cause: error,
    details: { directory },
  });
}

function damaged(directory: string, reason: string, error: unknown): StoreError {
  return storeError(
    'STORE_CORRUPT',
    `Cannot trust the store in ${directory} as LevelDB reports damage: ${reason}. Nothing was ` +
      'changed. Keep a copy and leave this member stopped: the others serve while they are a ' +
      'majority. Rebuilding it from them needs snapshots, which this version does not have',
    { cause: error, details: { location: directory } },
  );
}

class LevelSnapshot implements EngineSnapshot {
  readonly snapshot: ReturnType<Database['snapshot']>;

  constructor(snapshot: ReturnType<Database['snapshot']>) {
    this.snapshot = snapshot;
  }

  close(): void {
    // Releasing is synchronous inside; only reads that are still running are waited for.
    void this.snapshot.close();
  }
}

class LevelEngine implements KvEngine {
  readonly #database: Database;
  #unflushedBytes = 0;
  #writesInFlight = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  get location(): string {
    return this.#database.location;
  }

  get unflushedBytes(): number {
    return this.#unflushedBytes;
  }

  getSync(key: Uint8Array, options: EngineReadOptions = {}): Uint8Array | undefined {
    try {
      if (options.snapshot === undefined) return this.#database.getSync(key);
      return this.#database.getSync(key, readOptions(options));
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async getMany(
    keys: readonly Uint8Array[],
    options: EngineReadOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    if (keys.length === 0) return [];
    try {
      return await this.#database.getMany([...keys], readOptions(options));
    } catch (error) {
      throw this.#readError(error);
    }
  }

  iterate(range: EngineRange, options: EngineIterateOptions = {}): EngineIterator {
    const { reverse = false, keysOnly = false } = options;
    const bounds = range.end === undefined ? {} : { lt: range.end };
    const all = {
      gte: range.start,
      ...bounds,
      reverse,
      highWaterMarkBytes: ITERATOR_BYTES,
      ...readOptions(options),
    };
    const next = keysOnly ? this.#iterateKeys(all) : this.#iterateEntries(all);
    return {
      next: async (count) => {
        assert(count >= 1, 'an iterator is asked for at least one pair', { count });
        try {
          return await next.next(count);
        } catch (error) {
          throw this.#readError(error);
        }
      },
      close: () => next.close(),
    };
  }

  batch(): EngineBatch {
    const batch = this.#database.batch();
    let bytes = 0;
    return {
      get length() {
        return batch.length;
      },
      put: (key, value) => {
        batch.put(key, value);
        bytes += key.length + value.length + CHANGE_OVERHEAD_BYTES;
      },
      delete: (key) => {
        batch.del(key);
        bytes += key.length + CHANGE_OVERHEAD_BYTES;
      },
      write: async ({ sync = false } = {}) => {
        this.#unflushedBytes += bytes;
        this.#writesInFlight += 1;
        try {
          await batch.write({ sync } as object);
        } finally {
          this.#writesInFlight -= 1;
        }
      },
    };
  }

  snapshot(): EngineSnapshot {
    return new LevelSnapshot(this.#database.snapshot());
  }

  async flush(): Promise<void> {
    assert(this.#writesInFlight === 0, 'no write is in flight during a flush (S4)');
    await this.#database.del(FLUSH_KEY, { sync: true } as object);
    await this.#database.compactRange(FLUSH_KEY, FLUSH_KEY);
    this.#unflushedBytes = 0;
  }

  async sizeBytes(): Promise<number> {
    const tables = await this.#database.approximateSize(new Uint8Array(0), FLUSH_KEY);
    return tables + this.#unflushedBytes;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #iterateEntries(options: object): EngineIterator {
    const iterator = this.#database.iterator(options);
    return {
      next: async (count): Promise<readonly EngineEntry[]> => {
        const pairs = await iterator.nextv(count);
        return pairs.map(([key, value]) => ({ key, value }));
      },
      close: () => iterator.close(),
    };
  }

  #iterateKeys(options: object): EngineIterator {
    const iterator = this.#database.keys(options);
    return {
      next: async (count): Promise<readonly EngineEntry[]> => {
        const keys = await iterator.nextv(count);
        return keys.map((key) => ({ key, value: EMPTY_BYTES }));
      },
      close: () => iterator.close(),
    };
  }

  /** LevelDB's own finds (a block that does not decompress) are damage like any other. */
  #readError(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const code = 'code' in error ? error.code : undefined;
    // What getSync throws has LevelDB's words and no code.
    const isDamage =
      code === undefined
        ? /^(IO error|Corruption): /.test(error.message)
        : code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR';
    return isDamage ? damaged(this.location, error.message, error) : error;
  }
}

function readOptions({ snapshot }: EngineReadOptions): object {
  if (snapshot === undefined) return {};
  assert(snapshot instanceof LevelSnapshot, 'a snapshot is used on the engine it came from');
  return { snapshot: snapshot.snapshot };
}
