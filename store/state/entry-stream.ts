/** Walks an engine range with one pair of look-ahead, waiting only when a chunk is used up. */
import type { EngineEntry, EngineIterator, EngineSnapshot, KvEngine } from '../engine';
import type { Bounds } from '../mvcc';

/** Decoded entries of a range, in order; entries that decode to undefined are passed over. */
export class EntryStream<T> {
  readonly #iterator: EngineIterator;
  readonly #decode: (entry: EngineEntry) => T | undefined;
  readonly #chunkSize: number;
  #chunk: readonly EngineEntry[] = [];
  #at = 0;
  #isAtEnd = false;
  #head: T | undefined;

  constructor(options: {
    readonly engine: KvEngine;
    readonly bounds: Bounds;
    readonly snapshot: EngineSnapshot;
    readonly decode: (entry: EngineEntry) => T | undefined;
    readonly chunkSize?: number;
    readonly keysOnly?: boolean;
  }) {
    const { engine, bounds, snapshot, keysOnly = false } = options;
    this.#iterator = engine.iterate(bounds, { snapshot, keysOnly });
    this.#decode = options.decode;
    this.#chunkSize = options.chunkSize ?? 500;
  }

  /** The next item, left in place; undefined at the end. Call `fill` first. */
  get head(): T | undefined {
    return this.#head;
  }

  /** Takes the head away. */
  advance(): void {
    this.#head = undefined;
  }

  /** Makes sure that there is a head, unless the range is at its end. Returns it at once if
   *  nothing has to be waited for: then without a promise. */
  fill(): Promise<void> | undefined {
    if (this.#head !== undefined || this.#fromChunk() || this.#isAtEnd) return undefined;
    return this.#fetch();
  }

  async close(): Promise<void> {
    await this.#iterator.close();
  }

  #fromChunk(): boolean {
    while (this.#at < this.#chunk.length) {
      this.#head = this.#decode(this.#chunk[this.#at++] as EngineEntry);
      if (this.#head !== undefined) return true;
    }
    return false;
  }

  async #fetch(): Promise<void> {
    do {
      this.#chunk = await this.#iterator.next(this.#chunkSize);
      this.#at = 0;
      this.#isAtEnd = this.#chunk.length === 0;
    } while (!this.#isAtEnd && !this.#fromChunk());
  }
}
