/**
 * The log of one member as the rules see it: the stable part and the unstable end as one sequence,
 * with the three positions that move along it.
 *
 *     appliedIndex <= applyingIndex <= min(commitIndex, stableIndex)
 *     commitIndex <= lastIndex,  stableIndex <= lastIndex
 *
 * A committed entry may not be durable here yet (Raft §10.2.1); it is handed to apply only when it
 * is (R28). What is at or below commitIndex is never replaced (R24).
 */
import { assert } from '../../base/assert';
import { mark } from '../../base/mark';
import type { LogReader } from './log-reader';
import { bytesOf, cutToBytes } from './memory-log';
import type { StorageAppendAck } from './ready';
import type { Entry, Index, Term } from './types';
import { UnstableLog } from './unstable-log';

/** A place in a log: an index and the term of its entry. */
export interface Position {
  readonly index: Index;
  readonly term: Term;
}

/** What a log is opened with. */
export interface RaftLogOptions {
  readonly reader: LogReader;
  /** From the hard state. */
  readonly commitIndex: Index;
  /** From the state machine; it may be ahead of the hard state's commitIndex (R33). */
  readonly appliedIndex: Index;
}

/** Stable and unstable entries as one log. */
export class RaftLog {
  readonly #reader: LogReader;
  readonly #unstable: UnstableLog;
  #commitIndex: Index;
  #appliedIndex: Index;
  /** Handed to apply. */
  #applyingIndex: Index;
  /** What apply owes: hand-overs by last index and bytes. */
  #applying: { readonly index: Index; readonly bytes: number }[] = [];
  #applyingBytes = 0;

  constructor(options: RaftLogOptions) {
    const { reader, appliedIndex } = options;
    this.#reader = reader;
    const lastIndex = reader.lastIndex();
    this.#unstable = new UnstableLog((lastIndex + 1) as Index);
    // What was released was applied.
    this.#appliedIndex = Math.max(appliedIndex, reader.firstIndex() - 1) as Index;
    this.#applyingIndex = this.#appliedIndex;
    // The store syncs on its own, so it may have applied more than the last stored commitIndex.
    this.#commitIndex = Math.max(options.commitIndex, this.#appliedIndex) as Index;
    assert(this.#commitIndex <= lastIndex, 'the log holds all that is committed or applied', {
      commitIndex: options.commitIndex,
      appliedIndex,
      lastIndex,
    });
  }

  get firstIndex(): Index {
    return this.#reader.firstIndex();
  }

  get lastIndex(): Index {
    return this.#unstable.lastIndex;
  }

  /** The last index durable in the own log. */
  get stableIndex(): Index {
    return (this.#unstable.offset - 1) as Index;
  }

  get commitIndex(): Index {
    return this.#commitIndex;
  }

  get appliedIndex(): Index {
    return this.#appliedIndex;
  }

  get applyingIndex(): Index {
    return this.#applyingIndex;
  }

  get lastPosition(): Position {
    const index = this.lastIndex;
    const term = this.termAt(index);
    assert(term !== undefined, 'the term of the last entry is known', { index });
    return { index, term };
  }

  /** The term of an entry, also of firstIndex - 1; undefined outside of what is held. */
  termAt(index: Index): Term | undefined {
    if (index < this.firstIndex - 1 || index > this.lastIndex) return undefined;
    if (index >= this.#unstable.offset) return this.#unstable.termAt(index);
    return this.#reader.termAt(index);
  }

  /** Whether the log has an entry with this index and term. */
  holds(position: Position): boolean {
    return this.termAt(position.index) === position.term;
  }

  /** Raft §3.6.1: whether a log that ends at `last` has at least what this one has (R3). */
  isUpToDate(last: Position): boolean {
    const own = this.lastPosition;
    return last.term > own.term || (last.term === own.term && last.index >= own.index);
  }

  /** Entries of [from, to), cut by bytes, but at least one. */
  entries(from: Index, to: Index, bytesMax: number): readonly Entry[] {
    assert(
      from >= this.firstIndex && from <= to && to <= this.lastIndex + 1,
      'the range is in the log',
      { from, to, firstIndex: this.firstIndex, lastIndex: this.lastIndex },
    );
    if (from === to) return [];
    const offset = this.#unstable.offset;
    if (from >= offset) return cutToBytes(this.#unstable.slice(from, to), bytesMax);
    const stableTo = Math.min(to, offset) as Index;
    const stable = this.#reader.entries(from, stableTo, bytesMax);
    assert(stable[0]?.index === from, 'the stable log gives what was asked', { from });
    if (to <= offset || stable.length < stableTo - from) return stable;
    return cutToBytes([...stable, ...this.#unstable.slice(offset, to)], bytesMax);
  }

  /**
   * Raft §3.5: takes entries that follow `prev`, and returns the last index that surely agrees
   * with the sender's log; undefined if `prev` is not in this log (R22).
   */
  maybeAppend(prev: Position, entries: readonly Entry[]): Index | undefined {
    if (!this.holds(prev)) return undefined;
    assertContiguous(prev.index, entries);
    const conflict = this.findConflict(entries);
    if (conflict !== undefined && conflict <= this.lastIndex) mark('conflicting entries cut');
    if (conflict !== undefined) this.append(entries.slice(conflict - (prev.index + 1)));
    return (prev.index + entries.length) as Index;
  }

  /** The first index of `entries` that is not in this log with the same term. */
  findConflict(entries: readonly Entry[]): Index | undefined {
    return entries.find((entry) => !this.holds(entry))?.index;
  }

  /**
   * The largest position at or below `index` whose term is at most `term`: where two logs may still
   * agree, if they differ at (index, term). Skips a whole term in one step (R25).
   */
  findHint(index: Index, term: Term): Position {
    let hint = Math.min(index, this.lastIndex) as Index;
    for (; hint >= this.firstIndex; hint = (hint - 1) as Index) {
      const own = this.termAt(hint);
      assert(own !== undefined, 'terms inside of the log are known', { hint });
      if (own <= term) return { index: hint, term: own };
    }
    // What was released is committed, so it agrees; and before the first entry nothing differs.
    hint = (this.firstIndex - 1) as Index;
    return { index: hint, term: this.#reader.termAt(hint) ?? (0 as Term) };
  }

  /** Appends; entries at and above the first one's index are replaced, none committed (R24). */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index > this.#commitIndex, 'no committed entry is overwritten (R24)', {
      index: first.index,
      term: first.term,
      commitIndex: this.#commitIndex,
    });
    this.#unstable.append(entries);
  }

  /** Moves commitIndex forward; never back. */
  commitTo(index: Index): boolean {
    if (index <= this.#commitIndex) return false;
    assert(index <= this.lastIndex, 'only what is in the log is committed', {
      index,
      lastIndex: this.lastIndex,
    });
    this.#commitIndex = index;
    return true;
  }

  /** Whether the writer lacks entries. */
  get hasUnhanded(): boolean {
    return this.#unstable.hasUnhanded;
  }

  /** What the writer lacks; see `UnstableLog.hand`. */
  handToWriter():
    { readonly entries: readonly Entry[]; readonly ack: StorageAppendAck } | undefined {
    return this.#unstable.hand();
  }

  /** A write is durable; returns whether stableIndex moved (R27). */
  acknowledgeWrite(ack: StorageAppendAck): boolean {
    const isMoved = this.#unstable.acknowledge(ack);
    if (isMoved) {
      assert(this.#reader.lastIndex() >= this.stableIndex, 'the stable log shows what is durable', {
        stableIndex: this.stableIndex,
        readerLastIndex: this.#reader.lastIndex(),
      });
    }
    return isMoved;
  }

  /** Whether there is something for apply, and apply does not owe too much. */
  hasAppliable(bytesMax: number): boolean {
    return this.#applyingIndex < this.#appliableIndex && this.#applyingBytes < bytesMax;
  }

  /** Committed and durable entries that apply does not have (R28, R32). */
  handToApply(bytesMax: number): readonly Entry[] {
    if (!this.hasAppliable(bytesMax)) return [];
    const from = (this.#applyingIndex + 1) as Index;
    const entries = this.entries(from, (this.#appliableIndex + 1) as Index, bytesMax);
    const last = entries.at(-1);
    assert(last !== undefined && entries[0]?.index === from, 'apply gets the next entries', {
      from,
    });
    this.#applyingIndex = last.index;
    const bytes = bytesOf(entries);
    this.#applying.push({ index: last.index, bytes });
    this.#applyingBytes += bytes;
    return entries;
  }

  /** Apply is done up to `index`. */
  appliedTo(index: Index): void {
    assert(index <= this.#applyingIndex, 'only what was handed out is applied', {
      index,
      applyingIndex: this.#applyingIndex,
    });
    if (index <= this.#appliedIndex) return;
    this.#appliedIndex = index;
    while ((this.#applying[0]?.index ?? Infinity) <= index) {
      this.#applyingBytes -= this.#applying.shift()?.bytes ?? 0;
    }
  }

  get #appliableIndex(): Index {
    return Math.min(this.#commitIndex, this.stableIndex) as Index;
  }
}

/** Entries of one append follow each other and `prevIndex` (R31). */
export function assertContiguous(prevIndex: Index, entries: readonly Entry[]): void {
  for (let i = 0; i < entries.length; i++) {
    assert(entries[i]?.index === prevIndex + 1 + i, 'entries of an append are contiguous (R31)', {
      prevIndex,
      place: i,
      index: entries[i]?.index,
    });
  }
}
