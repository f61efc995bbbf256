/** What Raft keeps equal on all members. Implemented by `store/replica/applier.ts`. */
import type { ConfState, Entry, Index, Term } from '../core';

/** How far a state machine has applied, as it was stored together with the data (R60). */
export interface AppliedState {
  readonly index: Index;
  readonly term: Term;
  readonly confState: ConfState;
}

/** Applies committed entries. A rejected promise ends the process (R95). */
export interface StateMachine {
  /** What is applied at start; index 0 and no voters for a fresh one. */
  applied(): AppliedState;
  /**
   * Applies whole entries in order, one batch: resolves when their effects and the new applied
   * index are in the engine. `confState` is the configuration after the last of them.
   */
  apply(entries: readonly Entry[], confState: ConfState): Promise<void>;
  /** The index up to which a power cut cannot take effects back; the log is kept above it (R40). */
  durableAppliedIndex(): Index;
}
