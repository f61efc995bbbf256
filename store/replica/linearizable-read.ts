/**
 * Confirms that what this member reads includes every write acknowledged before (Raft §6.4, R80 to
 * R83): asks for a read index, waits until it is applied. One round at a time serves all who came
 * before it began; who comes later waits for the next, since an index asked for earlier may be too
 * old for them.
 */
import type { Cancel, Clock } from '../../base/clock';
import { isStoreError, storeError, type StoreError } from '../errors';
import type { Proposer } from './proposer';

/** What confirmation is made of. */
export interface LinearizableReadOptions {
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly appliedIndex: () => number;
  /** How long a reader waits at most. */
  readonly deadlineMs: number;
  /** How long one question may stay unanswered: its message may be lost. */
  readonly roundTimeoutMs: number;
}

interface Reader {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

const RETRY_DELAY_MS = 20;

/** Rounds of confirmation for all readers of a member. */
export class LinearizableRead {
  readonly #options: LinearizableReadOptions;
  /** For the next round. */
  #readers: Reader[] = [];
  /** Confirmed, and waiting for their index to be applied; in the order of the indices. */
  #confirmed: { readonly index: number; readonly readers: readonly Reader[] }[] = [];
  #isRoundRunning = false;
  #cancelRetry: Cancel | undefined;
  #lastError: StoreError | undefined;
  #isStopped = false;
  readonly #abort = new AbortController();
  readonly #stopListening: () => void;

  constructor(options: LinearizableReadOptions) {
    this.#options = options;
    this.#stopListening = options.proposer.onLeadershipChange(() => this.#retryNow());
  }

  /** Resolves when a read that begins now is linearizable. */
  confirm(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) {
        reject(storeError('STORE_STOPPED', 'Cannot read as the member stops'));
        return;
      }
      const deadlineMs = this.#options.clock.monotonicMs() + this.#options.deadlineMs;
      this.#readers.push({ deadlineMs, resolve, reject });
      this.#startLater();
    });
  }

  /** Everything up to `index` is applied. */
  applied(index: number): void {
    while (this.#confirmed.length > 0) {
      const first = this.#confirmed[0];
      if (first === undefined || first.index > index) return;
      this.#confirmed.shift();
      for (const reader of first.readers) reader.resolve();
    }
  }

  /** Ends all waits. */
  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#cancelRetry?.();
    this.#abort.abort();
    const readers = [this.#readers, ...this.#confirmed.map((each) => each.readers)].flat();
    this.#readers = [];
    this.#confirmed = [];
    const error = storeError('STORE_STOPPED', 'Cannot read as the member stops');
    for (const reader of readers) reader.reject(error);
  }

  /** A microtask later, so that all requests of a frame share the round. */
  #startLater(): void {
    if (this.#isRoundRunning || this.#cancelRetry !== undefined) return;
    this.#isRoundRunning = true;
    // run() settles its readers itself and rejects for bugs alone, which must end the process.
    void Promise.resolve().then(() => this.#run());
  }

  async #run(): Promise<void> {
    const readers = this.#readers;
    this.#readers = [];
    const index = await this.#askIndex();
    this.#isRoundRunning = false;
    if (this.#isStopped) {
      const error = storeError('STORE_STOPPED', 'Cannot read as the member stops');
      for (const reader of readers) reader.reject(error);
      return;
    }
    if (index === undefined) {
      this.#readers = readers.concat(this.#readers);
      this.#expire();
      if (this.#readers.length > 0) this.#retryLater();
      return;
    }
    if (index <= this.#options.appliedIndex()) for (const reader of readers) reader.resolve();
    else this.#waitApplied(index, readers);
    if (this.#readers.length > 0) this.#startLater();
  }

  /** One question; undefined if it has to be asked again. */
  async #askIndex(): Promise<number | undefined> {
    const { proposer, clock, roundTimeoutMs } = this.#options;
    const round = new AbortController();
    const abort = (): void => round.abort();
    const cancel = clock.after(roundTimeoutMs, abort);
    this.#abort.signal.addEventListener('abort', abort, { once: true });
    try {
      return await proposer.readIndex(round.signal);
    } catch (error) {
      if (isStoreError(error)) this.#lastError = error;
      else if (!round.signal.aborted) throw error;
      return undefined;
    } finally {
      cancel();
      this.#abort.signal.removeEventListener('abort', abort);
    }
  }

  #waitApplied(index: number, readers: readonly Reader[]): void {
    // A later round may be told a lower index, by another leader; order keeps `applied` simple.
    const last = this.#confirmed.at(-1);
    this.#confirmed.push({ index: Math.max(index, last?.index ?? 0), readers });
  }

  #retryLater(): void {
    this.#cancelRetry ??= this.#options.clock.after(RETRY_DELAY_MS, () => this.#retryNow());
  }

  #retryNow(): void {
    if (this.#cancelRetry === undefined) return;
    this.#cancelRetry();
    this.#cancelRetry = undefined;
    if (this.#readers.length > 0) this.#startLater();
  }

  #expire(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const late = this.#readers.filter((reader) => reader.deadlineMs <= nowMs);
    if (late.length === 0) return;
    this.#readers = this.#readers.filter((reader) => reader.deadlineMs > nowMs);
    const error = this.#lastError ?? storeError('STORE_TIMEOUT', 'Cannot confirm a read in time');
    for (const reader of late) reader.reject(error);
  }
}
