/**
 * The end of the log that is not known to be durable, and which part of it the writer has.
 *
 *     stable log | handed to the writer | not handed yet
 *     ...offset-1  offset ...             ... lastIndex
 *
 * Every hand-over is a numbered write. A truncation limits what the writes under way can still make
 * durable, so that the acknowledgement of a write says nothing about an entry that was replaced
 * since, not even when the same entry came back (R27, "ABA").
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import type { StorageAppendAck } from './ready';
import type { Entry, Index, Term } from './types';

/** A hand-over to the writer that is not acknowledged. */
interface Write {
  readonly ack: StorageAppendAck;
  /** What is durable when this write is: lowered by truncation below it. */
  validTo: Index;
}

/** Entries above the stable log. */
export class UnstableLog {
  /** Invariant: #entries[i].index === #offset + i. */
  #entries: Entry[] = [];
  #offset: Index;
  /** Invariant: 0 <= #handed <= #entries.length. */
  #handed = 0;
  /** In the order of their numbers. */
  #writes: Write[] = [];
  #lastNumber = 0;

  /** `offset` is the index after the last stable entry. */
  constructor(offset: Index) {
    this.#offset = offset;
  }

  /** The index of the first entry that is not known to be durable. */
  get offset(): Index {
    return this.#offset;
  }

  /** The last index, offset - 1 without entries. */
  get lastIndex(): Index {
    return (this.#offset + this.#entries.length - 1) as Index;
  }

  /** Whether there is something for the writer. */
  get hasUnhanded(): boolean {
    return this.#handed < this.#entries.length;
  }

  /** The term of an entry held here. */
  termAt(index: Index): Term | undefined {
    return this.#entries[index - this.#offset]?.term;
  }

  /** Entries of [from, to), all held here. */
  slice(from: Index, to: Index): readonly Entry[] {
    assert(from >= this.#offset && to <= this.lastIndex + 1 && from <= to, 'the range is held', {
      from,
      to,
      offset: this.#offset,
    });
    return this.#entries.slice(from - this.#offset, to - this.#offset);
  }

  /** Appends contiguous entries; what is at and above the first one's index is replaced. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    assert(first !== undefined, 'an append has entries');
    assert(first.index <= this.lastIndex + 1, 'an append leaves no gap', {
      first: first.index,
      lastIndex: this.lastIndex,
    });
    if (first.index <= this.lastIndex || first.index < this.#offset) this.#truncate(first.index);
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, 'entries are contiguous (R31)', {
        index: entry.index,
        lastIndex: this.lastIndex,
      });
      this.#entries.push(entry);
    }
  }

  /** Hands out what the writer does not have, and the name of this write; undefined if nothing. */
  hand(): { readonly entries: readonly Entry[]; readonly ack: StorageAppendAck } | undefined {
    const last = this.#entries.at(-1);
    if (last === undefined || !this.hasUnhanded) return undefined;
    const entries = this.#entries.slice(this.#handed);
    this.#handed = this.#entries.length;
    this.#lastNumber += 1;
    const ack = { number: this.#lastNumber, index: last.index, term: last.term };
    this.#writes.push({ ack, validTo: last.index });
    return { entries, ack };
  }

  /**
   * A write is durable, and so are all before it. Returns whether more became stable; false also
   * for a write that was acknowledged before, alone or by a later one.
   */
  acknowledge(ack: StorageAppendAck): boolean {
    assert(ack.number <= this.#lastNumber, 'only what was handed out is acknowledged', {
      number: ack.number,
    });
    let write: Write | undefined;
    while ((this.#writes[0]?.ack.number ?? Infinity) <= ack.number) write = this.#writes.shift();
    if (write?.ack.number !== ack.number) {
      mark('late storage acknowledgement ignored');
      return false;
    }
    assert(
      write.ack.index === ack.index && write.ack.term === ack.term,
      'an acknowledgement names the entry that was handed out',
      { index: ack.index, term: ack.term },
    );
    if (write.validTo < write.ack.index) mark('acknowledged write was overwritten');
    if (write.validTo < this.#offset) return false;
    const count = write.validTo + 1 - this.#offset;
    assert(count <= this.#handed, 'only what the writer had becomes durable', { count });
    this.#entries = this.#entries.slice(count);
    this.#handed -= count;
    this.#offset = (write.validTo + 1) as Index;
    return true;
  }

  #truncate(from: Index): void {
    const keep = Math.max(0, from - this.#offset);
    this.#entries.length = keep;
    this.#handed = Math.min(this.#handed, keep);
    // Below the offset: durable entries are about to be replaced, so they count no longer.
    if (from < this.#offset) this.#offset = from;
    for (const write of this.#writes) {
      if (write.validTo >= from) write.validTo = (from - 1) as Index;
    }
  }
}
