/**
 * What the core may ask of stable storage, synchronously: the part of the log that is written.
 * Implemented by `memory-log.ts` and by `wal/stable-log.ts`.
 */
import type { ConfState, Entry, HardState, Index, Term } from './types';

/** The stable part of the log. */
export interface LogReader {
  /** What was stored last, at start; `undefined` for a member that never stored anything. */
  initialState(): { readonly hardState: HardState | undefined; readonly confState: ConfState };
  /** The first index still held, 1 at first; snapshot index + 1 after a release. */
  firstIndex(): Index;
  /** The last index held; firstIndex - 1 if none is. */
  lastIndex(): Index;
  /** The term of an entry, also of firstIndex - 1; undefined outside of what is held. */
  termAt(index: Index): Term | undefined;
  /**
   * Entries of [from, to), cut so that their data stays within `bytesMax`, but at least one.
   * All of the range must be held.
   */
  entries(from: Index, to: Index, bytesMax: number): readonly Entry[];
}
