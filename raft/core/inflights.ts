/**
 * A window over things under way, in order of their index, limited by count and by bytes: appends
 * to one follower without an answer (R29), and the leader's proposals without a commit (R30).
 */
import { assert } from '../../base/assert';
import type { Index } from './types';

/** How much may be under way. */
export interface InflightLimits {
  readonly countMax: number;
  readonly bytesMax: number;
}

/** A sliding window by count and bytes. */
export class Inflights {
  readonly #limits: InflightLimits;
  /** Two columns of one queue that begins at #head: last index of each thing, and its bytes. */
  #indexes: Index[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: InflightLimits) {
    assert(limits.countMax > 0 && limits.bytesMax > 0, 'a window lets something through');
    this.#limits = limits;
  }

  /** How many things are under way. */
  get count(): number {
    return this.#indexes.length - this.#head;
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more fits. A thing larger than the whole window passes when it is empty. */
  get isFull(): boolean {
    return this.count >= this.#limits.countMax || this.#bytes >= this.#limits.bytesMax;
  }

  /** Adds a thing that ends with `index`; the window must not be full. */
  add(index: Index, bytes: number): void {
    assert(!this.isFull, 'nothing is added to a full window', { count: this.count });
    assert((this.#indexes.at(-1) ?? -1) < index || this.count === 0, 'the window is in order', {
      index,
    });
    this.#indexes.push(index);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Frees what ends at or below `index`. */
  freeTo(index: Index): void {
    while (this.count > 0 && (this.#indexes[this.#head] as Index) <= index) {
      this.#bytes -= this.#sizes[this.#head] as number;
      this.#head += 1;
    }
    assert(this.#bytes >= 0 && (this.count > 0 || this.#bytes === 0), 'freed as much as added', {
      bytes: this.#bytes,
      count: this.count,
    });
    if (this.#head > 64 && this.#head * 2 > this.#indexes.length) {
      this.#indexes = this.#indexes.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Frees everything. */
  clear(): void {
    this.#indexes = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
