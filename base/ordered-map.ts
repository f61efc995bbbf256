/**
 * A sorted map in memory: chunks of sorted arrays, at most {@link CHUNK_MAX} pairs each. Inserting
 * moves at most one chunk's items, ranging is a walk over arrays, and a snapshot is O(1): map and
 * snapshot share all chunks, and whoever changes one afterwards copies that chunk (and the list of
 * chunks, once) first. Users: the memory engine, the watch cache's store, forks of the test kit.
 *
 * Not for changing while iterating: iterate a snapshot then.
 */
import { assert } from './assert';

/** Order of keys: negative, 0 or positive. Must be total and never change. */
export type Compare<K> = (a: K, b: K) => number;

/** Keys of [from, to) in order; an absent bound is open. */
export interface OrderedRange<K> {
  readonly from?: K | undefined;
  readonly to?: K | undefined;
  /** From the last to the first. */
  readonly reverse?: boolean;
}

/** What can be read of a map, live or at the moment of a snapshot. */
export interface ReadonlyOrderedMap<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  /** Pairs of a range in order. Do not change the map meanwhile. */
  entries(range?: OrderedRange<K>): IterableIterator<[K, V]>;
  /** How many keys are in [from, to), without walking them. */
  count(from?: K, to?: K): number;
  /** The smallest key. */
  firstKey(): K | undefined;
  /** The largest key. */
  lastKey(): K | undefined;
}

interface Chunk<K, V> {
  keys: K[];
  values: V[];
  /** The map that may change this chunk in place; anyone else copies it first. */
  owner: object;
}

/** Pairs per chunk: moving 512 pointers costs about as much as comparing two dozen keys. */
const CHUNK_MAX = 512;

/** A sorted map with cheap snapshots. */
export class OrderedMap<K, V> implements ReadonlyOrderedMap<K, V> {
  readonly #compare: Compare<K>;
  /** Invariant: no chunk is empty, chunks and keys ascend, `#size` is the sum of the lengths. */
  #chunks: Chunk<K, V>[] = [];
  #size = 0;
  /** Renewed by each snapshot: what carries an older owner is shared. */
  #owner: object = {};
  #isListShared = false;

  constructor(compare: Compare<K>) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = this.#lowerBound(chunk.keys, key);
    return this.#isAt(chunk, at, key) ? chunk.values[at] : undefined;
  }

  has(key: K): boolean {
    const chunk = this.#chunks[this.#chunkOf(key)];
    return chunk !== undefined && this.#isAt(chunk, this.#lowerBound(chunk.keys, key), key);
  }

  /** Sets a value; returns the one before. */
  set(key: K, value: V): V | undefined {
    if (this.#chunks.length === 0) {
      this.#ownList().push({ keys: [key], values: [value], owner: this.#owner });
      this.#size = 1;
      return undefined;
    }
    const position = Math.min(this.#chunkOf(key), this.#chunks.length - 1);
    const chunk = this.#ownChunk(position);
    const at = this.#lowerBound(chunk.keys, key);
    if (this.#isAt(chunk, at, key)) {
      const previous = chunk.values[at];
      chunk.values[at] = value;
      return previous;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    this.#size += 1;
    if (chunk.keys.length > CHUNK_MAX) this.#split(position, at);
    return undefined;
  }

  /** Removes a key; returns its value. */
  delete(key: K): V | undefined {
    const position = this.#chunkOf(key);
    const found = this.#chunks[position];
    if (found === undefined) return undefined;
    const at = this.#lowerBound(found.keys, key);
    if (!this.#isAt(found, at, key)) return undefined;
    const previous = found.values[at];
    this.#size -= 1;
    if (found.keys.length === 1) {
      this.#ownList().splice(position, 1);
      return previous;
    }
    const chunk = this.#ownChunk(position);
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#mergeWithNext(position);
    return previous;
  }

  clear(): void {
    this.#chunks = [];
    this.#isListShared = false;
    this.#size = 0;
  }

  /** The present state, unchanged by what follows here. */
  snapshot(): ReadonlyOrderedMap<K, V> {
    return this.fork();
  }

  /** A map of its own that begins as this one is now. Neither sees the other's changes. */
  fork(): OrderedMap<K, V> {
    const copy = new OrderedMap<K, V>(this.#compare);
    copy.#chunks = this.#chunks;
    copy.#size = this.#size;
    copy.#isListShared = true;
    this.#isListShared = true;
    this.#owner = {};
    return copy;
  }

  *entries(range: OrderedRange<K> = {}): IterableIterator<[K, V]> {
    const { from, to, reverse = false } = range;
    const chunks = this.#chunks;
    const first = from === undefined ? { position: 0, at: 0 } : this.#locate(from);
    const end = to === undefined ? { position: chunks.length, at: 0 } : this.#locate(to);
    if (reverse) {
      yield* walkBack(chunks, first, end);
      return;
    }
    for (let position = first.position; position <= end.position; position++) {
      const chunk = chunks[position];
      if (chunk === undefined) return;
      const stop = position === end.position ? end.at : chunk.keys.length;
      for (let at = position === first.position ? first.at : 0; at < stop; at++) {
        yield [chunk.keys[at] as K, chunk.values[at] as V];
      }
    }
  }

  count(from?: K, to?: K): number {
    const upTo = to === undefined ? this.#size : this.#rank(to);
    return Math.max(0, upTo - (from === undefined ? 0 : this.#rank(from)));
  }

  firstKey(): K | undefined {
    return this.#chunks[0]?.keys[0];
  }

  lastKey(): K | undefined {
    return this.#chunks.at(-1)?.keys.at(-1);
  }

  /** How many keys are below `key`. */
  #rank(key: K): number {
    const { position, at } = this.#locate(key);
    let rank = at;
    for (let i = 0; i < position; i++) rank += (this.#chunks[i] as Chunk<K, V>).keys.length;
    return rank;
  }

  #locate(key: K): Place {
    const position = this.#chunkOf(key);
    const chunk = this.#chunks[position];
    return { position, at: chunk === undefined ? 0 : this.#lowerBound(chunk.keys, key) };
  }

  /** The first chunk whose last key is not below `key`; the number of chunks if there is none. */
  #chunkOf(key: K): number {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { keys } = chunks[middle] as Chunk<K, V>;
      if (this.#compare(keys[keys.length - 1] as K, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first position whose key is not below `key`. */
  #lowerBound(keys: readonly K[], key: K): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(keys[middle] as K, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(chunk: Chunk<K, V>, at: number, key: K): boolean {
    return at < chunk.keys.length && this.#compare(chunk.keys[at] as K, key) === 0;
  }

  #ownList(): Chunk<K, V>[] {
    if (this.#isListShared) {
      this.#chunks = this.#chunks.slice();
      this.#isListShared = false;
    }
    return this.#chunks;
  }

  #ownChunk(position: number): Chunk<K, V> {
    const chunk = this.#chunks[position] as Chunk<K, V>;
    if (chunk.owner === this.#owner) return chunk;
    const { keys, values } = chunk;
    const own = { keys: keys.slice(), values: values.slice(), owner: this.#owner };
    this.#ownList()[position] = own;
    return own;
  }

  /** Halves a full chunk; one that grew at its end keeps nearly all, so that loads in key order
   *  leave full chunks behind. */
  #split(position: number, insertedAt: number): void {
    const chunk = this.#ownChunk(position);
    const length = chunk.keys.length;
    const cut = insertedAt === length - 1 ? length - 1 : length >>> 1;
    const keys = chunk.keys.splice(cut);
    const values = chunk.values.splice(cut);
    this.#ownList().splice(position + 1, 0, { keys, values, owner: this.#owner });
    assert(chunk.keys.length > 0 && keys.length > 0, 'no chunk is empty', { length, cut });
  }

  /** Joins a chunk with its neighbour when both together fill less than half of one. */
  #mergeWithNext(position: number): void {
    const next = this.#chunks[position + 1];
    const length = (this.#chunks[position] as Chunk<K, V>).keys.length;
    if (next === undefined || length + next.keys.length > CHUNK_MAX / 2) return;
    const chunk = this.#ownChunk(position);
    chunk.keys.push(...next.keys);
    chunk.values.push(...next.values);
    this.#ownList().splice(position + 1, 1);
  }
}

interface Place {
  readonly position: number;
  readonly at: number;
}

function* walkBack<K, V>(
  chunks: readonly Chunk<K, V>[],
  first: Place,
  end: Place,
): IterableIterator<[K, V]> {
  for (let position = end.position; position >= first.position; position--) {
    const chunk = chunks[position];
    if (chunk === undefined) continue;
    const stop = position === first.position ? first.at : 0;
    const last = position === end.position ? end.at : chunk.keys.length;
    for (let at = last - 1; at >= stop; at--) {
      yield [chunk.keys[at] as K, chunk.values[at] as V];
    }
  }
}
