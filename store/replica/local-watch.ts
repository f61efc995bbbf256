/** A watch of a store in the same process: what is pushed to it can be iterated. */
import { BoundedQueue } from '../../base/bounded-queue';
import { storeError, type StoreError } from '../errors';
import type { KeyRange, KvWatch, Revision, WatchBatch, WatchOptions } from '../kv';
import { STORE_LIMITS } from '../limits';
import type { WatchHandle, WatchSink, WatchSource } from '../wire';

/** What the watch asks of its store beyond pushing. */
export interface LocalWatchHost {
  readonly source: WatchSource;
  /** Linearizable. */
  currentRevision(): Promise<Revision>;
}

/** Opens a watch. */
export function openLocalWatch(
  host: LocalWatchHost,
  range: KeyRange,
  { startRevision = 0 as Revision, signal }: WatchOptions,
): KvWatch {
  const watch = new LocalWatch(host);
  if (signal?.aborted === true) {
    watch.close();
    return watch;
  }
  signal?.addEventListener('abort', () => watch.close(), { once: true });
  watch.attach(host.source.openWatch(range, startRevision, watch));
  return watch;
}

class LocalWatch implements KvWatch, WatchSink {
  readonly #host: LocalWatchHost;
  readonly #queue: BoundedQueue<WatchBatch>;
  #handle: WatchHandle | undefined;
  #isRefused = false;
  #isClosed = false;

  constructor(host: LocalWatchHost) {
    this.#host = host;
    // Full: refuse. The store keeps the position and offers again after `resume` (S33, S38).
    this.#queue = new BoundedQueue({
      capacity: STORE_LIMITS.watchQueueBytesMax,
      weigh: batchBytes,
      onReturn: () => this.close(),
    });
  }

  attach(handle: WatchHandle): void {
    this.#handle = handle;
  }

  offer(batch: WatchBatch): boolean {
    const isFull = this.#queue.length >= STORE_LIMITS.watchQueueBatchesMax;
    if (!isFull && this.#queue.push(batch)) return true;
    this.#isRefused = true;
    return false;
  }

  end(error: StoreError): void {
    this.#isClosed = true;
    this.#queue.end(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch, undefined> {
    const inner = this.#queue[Symbol.asyncIterator]();
    return {
      next: async () => {
        const step = await inner.next();
        // Half empty, not one free place: each round through the history costs a read.
        if (this.#isRefused && this.#queue.length * 2 <= STORE_LIMITS.watchQueueBatchesMax) {
          this.#isRefused = false;
          this.#handle?.resume();
        }
        return step;
      },
      return: () => {
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  async requestProgress(): Promise<Revision> {
    const revision = await this.#host.currentRevision();
    if (this.#isClosed) {
      throw storeError('STORE_STOPPED', 'Cannot confirm progress as the watch is closed');
    }
    this.#handle?.progressAt(revision);
    return revision;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle?.close();
    this.#queue.end();
    // Nobody wants what is still queued.
    void this.#queue[Symbol.asyncIterator]().return?.();
  }
}

function batchBytes(batch: WatchBatch): number {
  if (batch.kind === 'progress') return 16;
  let bytes = 0;
  for (const { keyValue, previous } of batch.events) {
    bytes += 64 + keyValue.key.length + keyValue.value.length;
    if (previous !== undefined) bytes += previous.key.length + previous.value.length;
  }
  return bytes;
}
