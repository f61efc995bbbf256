/**
 * The commands of this member that wait to be applied, by the counter of their request id. Each
 * ends exactly once (store 3.1, S26):
 *
 *   offered --applied--> its result
 *   offered --refused, or fenced out by a later term--> certainly not applied: offered again
 *   offered --deadline--> STORE_TIMEOUT, outcome unknown
 *   waiting (certainly not in any log) --deadline--> RAFT_NO_LEADER, outcome none
 *
 * What certainly was not and will not be applied is offered again until the deadline, so a change
 * of leader costs waiting. What may be applied is never offered twice (see `fenced-proposal.ts`).
 */
import { assert } from '../../base/assert';
import type { Cancel, Clock } from '../../base/clock';
import type { CommandBody, CommandResult } from '../command';
import { isStoreError, storeError, type StoreError } from '../errors';
import { encodeFencedCommand, fenceAnew } from './fenced-proposal';
import type { Proposer } from './proposer';

const SWEEP_INTERVAL_MS = 50;

/** What the table is made of. */
export interface PendingProposalsOptions {
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly memberId: string;
  /** Rises with each start of the member, so that no request id is used twice. */
  readonly incarnation: number;
  /** From the request to its end: 5 s and two election timeouts. */
  readonly deadlineMs: number;
}

/** How to offer a command. */
export interface SubmitOptions {
  /** Offered in this term or not at all: for what a leader decides (S40). */
  readonly onlyInTerm?: number;
}

interface Pending {
  readonly counter: number;
  /** The entry's data with the fence of `fence`. */
  data: Uint8Array;
  fence: number;
  readonly deadlineMs: number;
  readonly onlyInTerm: number | undefined;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: StoreError) => void;
  /** The term it was offered in; -1 while it certainly is in no log. */
  term: number;
  /** Why it is in no log. */
  refusal: StoreError | undefined;
}

interface Attempt {
  readonly pending: Pending;
  readonly term: number;
}

const NOT_OFFERED = -1;

/** All commands of this member on their way. */
export class PendingProposals {
  readonly #options: PendingProposalsOptions;
  /** In the order of their deadlines. */
  readonly #pending = new Map<number, Pending>();
  readonly #waiting = new Set<Pending>();
  #lastCounter = 0;
  #appliedTerm = 0;
  #cancelSweep: Cancel | undefined;
  #stopped: StoreError | undefined;
  /** Whose handing over is one promise. */
  #group: { readonly handedOver: Promise<void>; readonly attempts: Attempt[] } | undefined;
  readonly #stopListening: () => void;

  constructor(options: PendingProposalsOptions) {
    this.#options = options;
    this.#stopListening = options.proposer.onLeadershipChange(() => this.#offerWaiting());
  }

  /** Commands that have not ended. */
  get size(): number {
    return this.#pending.size;
  }

  /** Replicates a command; resolves with what applying it gave, rejects if it was refused then. */
  submit(body: CommandBody, { onlyInTerm }: SubmitOptions = {}): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) {
        reject(this.#stopped);
        return;
      }
      const { memberId, incarnation, clock, deadlineMs } = this.#options;
      const counter = ++this.#lastCounter;
      const fence = this.#fence();
      const pending: Pending = {
        counter,
        data: encodeFencedCommand(fence, { memberId, incarnation, counter }, body),
        fence,
        deadlineMs: clock.monotonicMs() + deadlineMs,
        onlyInTerm,
        resolve,
        reject,
        term: NOT_OFFERED,
        refusal: undefined,
      };
      this.#pending.set(counter, pending);
      this.#offer(pending);
      this.#sweepLater();
    });
  }

  /** An entry with request `counter` of this member was applied. */
  applied(counter: number, result: CommandResult): void {
    const pending = this.#pending.get(counter);
    if (pending === undefined) return; // Its deadline has passed.
    this.#remove(pending);
    if (result.kind === 'failed') pending.reject(result.error);
    else pending.resolve(result);
  }

  /** An entry with request `counter`, offered in `term`, came into the log in a later one. */
  fencedOut(counter: number, term: number): void {
    const pending = this.#pending.get(counter);
    if (pending?.term === term) this.#offer(pending);
  }

  /** Entries of `term` are being applied: what was offered earlier will never be. */
  termApplied(term: number): void {
    if (term <= this.#appliedTerm) return;
    this.#appliedTerm = term;
    for (const pending of [...this.#pending.values()]) {
      if (pending.term !== NOT_OFFERED && pending.term < term) this.#offer(pending);
    }
  }

  /** Ends everything: no entry is applied here any more. */
  stop(): void {
    this.#stopped ??= storeError('STORE_STOPPED', 'Cannot write as the member stops');
    this.#stopListening();
    this.#cancelSweep?.();
    for (const pending of this.#pending.values()) {
      pending.reject(pending.term === NOT_OFFERED ? this.#stopped : unknown('the member stops'));
    }
    this.#pending.clear();
    this.#waiting.clear();
  }

  #offer(pending: Pending): void {
    const { proposer } = this.#options;
    this.#waiting.delete(pending);
    const leadership = proposer.leadership();
    if (pending.onlyInTerm !== undefined && pending.onlyInTerm !== leadership.term) {
      this.#remove(pending);
      pending.reject(
        storeError('RAFT_NOT_LEADER', `Cannot propose as term ${pending.onlyInTerm} is over`),
      );
      return;
    }
    if (leadership.leaderId === undefined) {
      this.#wait(pending, storeError('RAFT_NO_LEADER', 'Cannot propose as no leader is known'));
      return;
    }
    const term = this.#fence();
    if (pending.fence !== term) {
      pending.data = fenceAnew(pending.data, term);
      pending.fence = term;
    }
    pending.term = term;
    pending.refusal = undefined;
    this.#hearRefusal(proposer.propose(pending.data), pending, term);
  }

  /** Never below what is applied: such an entry would be fenced out for sure. */
  #fence(): number {
    return Math.max(this.#options.proposer.leadership().term, this.#appliedTerm);
  }

  /** What a turn proposes shares one promise, and so one listener. */
  #hearRefusal(handedOver: Promise<void>, pending: Pending, term: number): void {
    if (this.#group?.handedOver === handedOver) {
      this.#group.attempts.push({ pending, term });
      return;
    }
    const attempts = [{ pending, term }];
    this.#group = { handedOver, attempts };
    // A rejection that is no failure of the table is a bug, and must end the process.
    void handedOver.then(undefined, (error: unknown) => {
      if (!isStoreError(error)) throw error;
      assert(error.outcome === 'none', 'a refused proposal was not appended', {
        code: error.code,
      });
      for (const attempt of attempts) this.#refused(attempt, error);
    });
  }

  #refused({ pending, term }: Attempt, error: StoreError): void {
    // A refusal is a certainty only about the attempt that was refused.
    if (pending.term !== term || this.#pending.get(pending.counter) !== pending) return;
    this.#wait(pending, error);
  }

  #wait(pending: Pending, refusal: StoreError): void {
    pending.term = NOT_OFFERED;
    pending.refusal = refusal;
    this.#waiting.add(pending);
  }

  #offerWaiting(): void {
    for (const pending of [...this.#waiting]) this.#offer(pending);
  }

  #sweepLater(): void {
    if (this.#cancelSweep !== undefined || this.#pending.size === 0) return;
    this.#cancelSweep = this.#options.clock.after(SWEEP_INTERVAL_MS, () => {
      this.#cancelSweep = undefined;
      this.#expire(this.#options.clock.monotonicMs());
      this.#offerWaiting();
      this.#sweepLater();
    });
  }

  #expire(nowMs: number): void {
    for (const pending of this.#pending.values()) {
      if (pending.deadlineMs > nowMs) break;
      this.#remove(pending);
      pending.reject(pending.refusal ?? unknown('it was not applied in time'));
    }
  }

  #remove(pending: Pending): void {
    this.#pending.delete(pending.counter);
    this.#waiting.delete(pending);
  }
}

function unknown(condition: string): StoreError {
  return storeError('STORE_TIMEOUT', `Cannot tell whether the write was done as ${condition}`);
}
