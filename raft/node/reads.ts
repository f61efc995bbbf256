/**
 * Linearizable reads that wait for an index (Raft §6.4). All that wait in a turn share one question
 * to the core, and few questions are under way at a time: what comes later travels with the next.
 * A question whose answer is lost is asked again under a new key (R82).
 */
import type { Index, ReadIndexResult, ReadState } from '../core';
import { raftError, type RaftError } from '../errors';

interface Reader {
  readonly resolve: (index: Index) => void;
  readonly reject: (error: RaftError) => void;
}

interface Round {
  readonly readers: readonly Reader[];
  ticks: number;
}

/** More would not make reads faster, only messages smaller. */
const ROUNDS_MAX = 4;

/** Readers between their question and its answer. */
export class PendingReads {
  readonly #retryTicks: number;
  #waiting: Reader[] = [];
  readonly #rounds = new Map<number, Round>();

  /** An answer that takes longer than `retryTicks` is taken for lost. */
  constructor(retryTicks: number) {
    this.#retryTicks = retryTicks;
  }

  /** Joins the next round. An abort ends the wait with the signal's reason. */
  add(signal: AbortSignal | undefined): Promise<Index> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#waiting.push({ resolve, reject });
        return;
      }
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      this.#waiting.push({
        resolve: (index) => {
          settle();
          resolve(index);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
    });
  }

  /** Asks for all that wait, if there is room for a round. */
  ask(readIndex: () => ReadIndexResult): void {
    if (this.#waiting.length === 0 || this.#rounds.size >= ROUNDS_MAX) return;
    const readers = this.#waiting;
    this.#waiting = [];
    this.#begin(readers, readIndex());
  }

  /** An answer of the core. */
  settle(state: ReadState): void {
    const { counter } = state.key;
    const round = this.#rounds.get(counter);
    if (round === undefined) return;
    this.#rounds.delete(counter);
    for (const reader of round.readers) {
      if (state.kind === 'confirmed') reader.resolve(state.index);
      else reader.reject(leaderChanged());
    }
  }

  /** Time passed: asks again what was not answered. */
  tick(ticks: number, readIndex: () => ReadIndexResult): void {
    for (const [counter, round] of [...this.#rounds]) {
      round.ticks += ticks;
      if (round.ticks < this.#retryTicks) continue;
      this.#rounds.delete(counter);
      this.#begin(round.readers, readIndex());
    }
  }

  /** Ends everything that waits. */
  rejectAll(error: RaftError): void {
    const readers = [...this.#waiting];
    for (const round of this.#rounds.values()) readers.push(...round.readers);
    this.#waiting = [];
    this.#rounds.clear();
    for (const reader of readers) reader.reject(error);
  }

  #begin(readers: readonly Reader[], result: ReadIndexResult): void {
    if (result.kind === 'asked') {
      this.#rounds.set(result.key.counter, { readers, ticks: 0 });
      return;
    }
    const error =
      result.reason === 'noLeader'
        ? raftError('RAFT_NO_LEADER', 'Cannot confirm a read as no leader is known')
        : raftError('RAFT_PROPOSAL_DROPPED', 'Cannot confirm a read as too many are waiting');
    for (const reader of readers) reader.reject(error);
  }
}

function leaderChanged(): RaftError {
  return raftError('RAFT_LEADER_CHANGED', 'Cannot confirm a read as the leader changed');
}
