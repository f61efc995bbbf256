/**
 * The stable log as an array: for tests, the simulator, and the tail that the log on disk keeps in
 * memory. Everything given to it counts as durable at once; losing what is not is its owner's part.
 */
import { assert } from '../../base/assert';
import type { LogReader } from './log-reader';
import { simpleConfState } from './types';
import type { ConfState, Entry, HardState, Index, Term } from './types';

/** A {@link LogReader} over an array that also takes writes. */
export class MemoryLog implements LogReader {
  #hardState: HardState | undefined;
  #confState: ConfState;
  /** The position before the first entry held. */
  #base: { readonly index: Index; readonly term: Term };
  /** Invariant: #entries[i].index === #base.index + 1 + i. */
  #entries: Entry[] = [];

  constructor(confState: ConfState = simpleConfState([])) {
    this.#confState = confState;
    this.#base = { index: 0 as Index, term: 0 as Term };
  }

  initialState(): { readonly hardState: HardState | undefined; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#confState };
  }

  firstIndex(): Index {
    return (this.#base.index + 1) as Index;
  }

  lastIndex(): Index {
    return (this.#base.index + this.#entries.length) as Index;
  }

  termAt(index: Index): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term;
  }

  entries(from: Index, to: Index, bytesMax: number): readonly Entry[] {
    assert(from >= this.firstIndex() && to <= this.lastIndex() + 1, 'the range is held', {
      from,
      to,
      firstIndex: this.firstIndex(),
      lastIndex: this.lastIndex(),
    });
    const start = from - this.#base.index - 1;
    return cutToBytes(this.#entries.slice(start, to - this.#base.index - 1), bytesMax);
  }

  /** Stores what must not be forgotten. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Sets the membership that a restart finds. */
  setConfState(confState: ConfState): void {
    this.#confState = confState;
  }

  /** Appends; entries at and above the first one's index are replaced. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(
      first.index > this.#base.index && first.index <= this.lastIndex() + 1,
      'an append leaves no gap and touches nothing released',
      { first: first.index, base: this.#base.index, lastIndex: this.lastIndex() },
    );
    this.#entries.length = first.index - this.#base.index - 1;
    for (const entry of entries) {
      assert(entry.index === this.lastIndex() + 1, 'entries are contiguous (R31)', {
        index: entry.index,
      });
      this.#entries.push(entry);
    }
  }

  /** Drops entries up to and with `index`. */
  release(index: Index): void {
    if (index <= this.#base.index) return;
    const term = this.termAt(index);
    assert(term !== undefined, 'the log is released only where it is held', { index });
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term };
  }
}

/** The longest prefix whose data stays within `bytesMax`, but at least one entry. */
export function cutToBytes(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += (entries[i] as Entry).data.length;
    if (bytes > bytesMax && i > 0) return entries.slice(0, i);
  }
  return entries;
}

/** The data bytes of entries. */
export function bytesOf(entries: readonly { readonly data: Uint8Array }[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}
