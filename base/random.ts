/**
 * Chance as an injected thing. `fork` gives each concern a stream of its own, so that one more
 * draw here does not shift all others when a seed is replayed.
 */
import { assert } from './assert';

/** A source of chance. */
export interface Random {
  /** An integer in [0, limit), 1 <= limit <= 2^32. */
  below(limit: number): number;
  /** A number in [0, 1). */
  unit(): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** `length` fresh bytes that the caller owns. */
  bytes(length: number): Uint8Array;
  /** An independent stream for the concern `name`; the same name twice gives the same stream. */
  fork(name: string): Random;
}

/** A deterministic `Random`: the sfc32 generator, seeded by a hash of a text. */
export class SeededRandom implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = hashText(seed, 0x9e37_79b9);
    this.#b = hashText(seed, 0x243f_6a88);
    this.#c = hashText(seed, 0xb7e1_5162);
    for (let i = 0; i < 12; i++) this.#next();
  }

  below(limit: number): number {
    assert(Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 32, 'limit is in [1, 2^32]', {
      limit,
    });
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  unit(): number {
    return this.#next() / 2 ** 32;
  }

  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, 'there is an item to pick');
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff);
  }

  fork(name: string): Random {
    return new SeededRandom(`${this.#seed}/${name}`);
  }

  /** One step of sfc32 (PractRand): three words of state and a counter, so no short cycles. */
  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    this.#c |= 0;
    return result >>> 0;
  }
}

/** FNV-1a with a final mix: only has to spread similar seeds, not to resist anybody. */
function hashText(text: string, basis: number): number {
  let hash = basis | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}
