/**
 * The apply half of a Ready: committed entries go to the state machine in order, one call at a
 * time; what is committed meanwhile goes with the next call (R32). How much may wait is bounded by
 * the core, which hands out maxCommittedBytesPerReady and no more until it is applied.
 */
import { assert } from '../../base/assert';
import type { ConfState, Entry, Index } from '../core';
import type { StateMachine } from './state-machine';

/** What an apply pipeline is made of. */
export interface ApplyPipelineOptions {
  readonly stateMachine: StateMachine;
  readonly confState: ConfState;
  /** Everything up to this index is applied. */
  readonly onApplied: (index: Index) => void;
  /** The state machine failed: the process must end (R95). */
  readonly onFailure: (error: unknown) => void;
}

/** Applies entries in order. */
export class ApplyPipeline {
  readonly #options: ApplyPipelineOptions;
  #waiting: Entry[] = [];
  #lastIndex: number;
  #isRunning = false;
  #isStopped = false;
  #run: Promise<void> = Promise.resolve();

  constructor(options: ApplyPipelineOptions) {
    this.#options = options;
    this.#lastIndex = options.stateMachine.applied().index;
  }

  /** Takes the committed entries of a Ready. */
  push(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) {
      assert(
        entry.index === this.#lastIndex + 1,
        'every index is applied once and in order (R32)',
        {
          index: entry.index,
          lastIndex: this.#lastIndex,
        },
      );
      assert(entry.kind === 'normal', 'no membership change is committed in this version', {
        index: entry.index,
      });
      this.#lastIndex = entry.index;
      this.#waiting.push(entry);
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run = this.#applyAll();
  }

  /** Begins no further call, and resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#run;
  }

  async #applyAll(): Promise<void> {
    const { stateMachine, confState, onApplied, onFailure } = this.#options;
    try {
      while (this.#waiting.length > 0 && !this.#isStopped) {
        const entries = this.#waiting;
        this.#waiting = [];
        await stateMachine.apply(entries, confState);
        const last = entries.at(-1);
        if (last !== undefined) onApplied(last.index);
      }
    } catch (error) {
      this.#isStopped = true;
      onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }
}
