/**
 * The part of the log that is durable and not yet released, held in memory so that the core reads
 * it without waiting. It changes in step with the log on disk: after a sync returned, never before.
 */
import { assert } from '../../base/assert';
import type { ConfState, Entry, HardState, Index, LogReader, Term } from '../core';
import { simpleConfState } from '../core';

/** `LogReader` over the durable entries. */
export class StableLog implements LogReader {
  /** The index before the first entry held, and its term. */
  #baseIndex = 0;
  #baseTerm = 0;
  #entries: Entry[] = [];
  #bytes = 0;
  #hardState: HardState | undefined;
  #confState: ConfState = simpleConfState([]);

  initialState(): { readonly hardState: HardState | undefined; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#confState };
  }

  /** Sets what {@link initialState} gives: the state machine knows the configuration (R59). */
  setConfState(confState: ConfState): void {
    this.#confState = confState;
  }

  /** Sets what was stored last. */
  setHardState(hardState: HardState | undefined): void {
    this.#hardState = hardState;
  }

  firstIndex(): Index {
    return (this.#baseIndex + 1) as Index;
  }

  lastIndex(): Index {
    return (this.#baseIndex + this.#entries.length) as Index;
  }

  /** Bytes of entry data held. */
  get dataBytes(): number {
    return this.#bytes;
  }

  termAt(index: Index): Term | undefined {
    if (index === this.#baseIndex) return this.#baseTerm as Term;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  entries(from: Index, to: Index, bytesMax: number): readonly Entry[] {
    const start = from - this.#baseIndex - 1;
    const end = to - this.#baseIndex - 1;
    assert(start >= 0 && start <= end && end <= this.#entries.length, 'the log holds the range', {
      from,
      to,
      first: this.#baseIndex + 1,
      last: this.lastIndex(),
    });
    let size = 0;
    let at = start;
    for (; at < end; at++) {
      size += (this.#entries[at] as Entry).data.length;
      if (size > bytesMax && at > start) break;
    }
    return this.#entries.slice(start, at);
  }

  /**
   * Appends durable entries; the first may lie below the last held and then replaces it and all
   * after it. One at or below the base says that older entries are gone: the log then begins after
   * it (docs/wal-format.md, position marks).
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index <= this.#baseIndex) {
      this.reset(first.index, first.term);
      this.append(entries.slice(1));
      return;
    }
    assert(first.index <= this.lastIndex() + 1, 'the log has no gap', {
      first: first.index,
      last: this.lastIndex(),
    });
    this.truncateFrom(first.index);
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** Drops the entries at and above `index`. */
  truncateFrom(index: Index): void {
    const keep = Math.max(0, index - this.#baseIndex - 1);
    for (let at = keep; at < this.#entries.length; at++) {
      this.#bytes -= (this.#entries[at] as Entry).data.length;
    }
    if (keep < this.#entries.length) this.#entries.length = keep;
  }

  /** Empties the log: the next entry has index + 1. */
  reset(index: Index, term: Term): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  /** Drops the entries up to and with `index` from memory. */
  release(index: Index): void {
    const released = Math.min(index, this.lastIndex());
    if (released <= this.#baseIndex) return;
    const term = this.termAt(released as Index);
    assert(term !== undefined, 'a released index is held', { released });
    const count = released - this.#baseIndex;
    for (let at = 0; at < count; at++) this.#bytes -= (this.#entries[at] as Entry).data.length;
    this.#entries = this.#entries.slice(count);
    this.#baseIndex = released;
    this.#baseTerm = term;
  }
}
