/**
 * Raft's state machine: committed entry -> command -> state -> events, results. What applying an
 * entry does depends on the entry and the state alone (S2); what a member does besides (answer its
 * own callers, feed its watches) happens in the turn in which the batch becomes visible, events
 * before answers (store 3.1).
 */
import type { AppliedState, ConfState, Entry, Index, StateMachine } from '../../raft';
import { assert } from '../../base/assert';
import { decodeCommand, type Command } from '../command';
import { storeError } from '../errors';
import type { Revision } from '../kv';
import type { ApplyOutcome, StateEntry, StateStore } from '../state';
import { decodeFencedProposal } from './fenced-proposal';

/** Who hears what was applied; each in the turn in which reads begin to see it. */
export interface ApplyListener {
  /** Events, in order; before anything else of a batch. */
  onOutcome(outcome: ApplyOutcome): void;
  /** A command and what it gave, in the order of the log, whoever proposed it. */
  onCommand(command: Command, outcome: NonNullable<ApplyOutcome['results'][number]>): void;
  /** A command that came into the log in a later term than it was offered in: no effect. */
  onFencedOut(command: Command, term: number): void;
  /** After the commands of a batch: no entry of an earlier term follows. */
  onTerm(term: number): void;
  /** Everything up to `index` is visible. */
  onApplied(index: number): void;
}

/** Records removed between two applies: about a millisecond of work. */
const COMPACT_RECORDS_PER_SLICE = 500;

interface Decoded {
  readonly command: Command;
  /** The term it was offered in. */
  readonly term: number;
  readonly isFencedOut: boolean;
}

/** Applies what Raft commits. */
export class Applier implements StateMachine {
  readonly #state: StateStore;
  #listener: ApplyListener | undefined;
  readonly #fail: (error: unknown) => void;
  /** The entries that `state.apply` is working on. */
  #decoded: readonly (Decoded | undefined)[] = [];
  #lastTerm = 0;
  #compacted: Revision;
  #isCompacting = false;
  #isStopped = false;

  /** `fail` is told what must end the process outside of `apply` (R95). */
  constructor(state: StateStore, fail: (error: unknown) => void) {
    this.#state = state;
    this.#fail = fail;
    this.#lastTerm = state.applied().term;
    this.#compacted = state.compactRevision();
  }

  /** Gives it its listener, which in turn needs an applier to be made. */
  attach(listener: ApplyListener): void {
    this.#listener = listener;
  }

  applied(): AppliedState {
    // The state keeps what Raft gave it, without Raft's names for the numbers.
    return this.#state.applied() as unknown as AppliedState;
  }

  durableAppliedIndex(): Index {
    return this.#state.durableAppliedIndex() as Index;
  }

  async apply(entries: readonly Entry[], confState: ConfState): Promise<void> {
    const decoded: (Decoded | undefined)[] = [];
    const stateEntries: StateEntry[] = [];
    for (const entry of entries) {
      const each = decode(entry);
      decoded.push(each);
      const command = each === undefined || each.isFencedOut ? undefined : each.command;
      stateEntries.push({ index: entry.index, term: entry.term, command });
    }
    this.#lastTerm = entries.at(-1)?.term ?? this.#lastTerm;
    this.#decoded = decoded;
    await this.#state.apply(stateEntries, confState);
    this.#compactLater();
  }

  /** The state's `onApplied`: the batch is visible from now on. */
  visible(outcome: ApplyOutcome): void {
    const decoded = this.#decoded;
    const listener = this.#listener;
    assert(listener !== undefined, 'whoever applies has a listener');
    listener.onOutcome(outcome);
    for (let i = 0; i < decoded.length; i++) {
      const each = decoded[i];
      if (each === undefined) continue;
      const result = outcome.results[i];
      if (each.isFencedOut) listener.onFencedOut(each.command, each.term);
      else if (result !== undefined) listener.onCommand(each.command, result);
    }
    // After the results: a command of an earlier term in this very batch was not in vain.
    listener.onTerm(this.#lastTerm);
    listener.onApplied(outcome.appliedIndex);
  }

  /** Goes on with physical work that a restart interrupted. */
  start(): void {
    this.#compactLater(true);
  }

  /** Begins no further work besides applying. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Removes what compaction allows, one slice at a time, so that no apply waits for long. */
  #compactLater(isForced = false): void {
    const target = this.#state.compactRevision();
    if (this.#isCompacting || this.#isStopped || (!isForced && target <= this.#compacted)) return;
    this.#isCompacting = true;
    this.#compact().then(
      () => {
        this.#isCompacting = false;
        this.#compacted = target;
        this.#compactLater();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  async #compact(): Promise<void> {
    let isMore = true;
    while (isMore && !this.#isStopped) {
      // The state takes turns: an apply that arrives meanwhile goes before the next slice.
      isMore = await this.#state.compactSlice(COMPACT_RECORDS_PER_SLICE);
    }
  }
}

/** An entry's command; undefined for a new leader's first entry and for membership changes. */
function decode(entry: Entry): Decoded | undefined {
  if (entry.kind !== 'normal' || entry.data.length === 0) return undefined;
  try {
    const { term, start } = decodeFencedProposal(entry.data);
    return { command: decodeCommand(entry.data, start), term, isFencedOut: term !== entry.term };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Skipping what others may understand would be divergence: the process must end (store 3.2).
    throw storeError(
      'STORE_CORRUPT',
      `Cannot apply entry ${entry.index} of term ${entry.term} as it holds no known command: ` +
        error.message,
      { cause: error },
    );
  }
}
