/** Transfers of leadership that somebody waits for (Raft §3.10, R12), and how they end. */
import type { MemberId, TransferRefusal, TransferStart } from '../core';
import type { Leadership } from './leadership';

/** How a transfer ended: a value, since every case is expected. */
export type TransferOutcome =
  /** Another member leads: the one wanted, or whoever won instead. */
  | { readonly kind: 'done'; readonly leaderId: MemberId; readonly term: number }
  /** Nothing was begun. */
  | { readonly kind: 'refused'; readonly reason: TransferRefusal }
  | { readonly kind: 'aborted'; readonly reason: TransferAbort };

/** Why a transfer that was begun did not end with another leader. */
export type TransferAbort =
  /** The target did not take over within an election timeout: this member leads on. */
  | 'timeout'
  /** This member leads no more, and no other was elected in time. */
  | 'noLeader'
  /** The node closed. */
  | 'stopped';

interface Waiting {
  readonly term: number;
  readonly resolve: (outcome: TransferOutcome) => void;
  ticksLeft: number;
}

/** Those who wait. */
export class PendingTransfers {
  readonly #memberId: MemberId;
  readonly #ticksMax: number;
  #waiting: Waiting[] = [];

  /** A transfer and an election after it are over within `ticksMax`, or given up. */
  constructor(memberId: MemberId, ticksMax: number) {
    this.#memberId = memberId;
    this.#ticksMax = ticksMax;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Waits for the end of what the core began. */
  add(start: TransferStart): Promise<TransferOutcome> {
    if (start.kind === 'refused') return Promise.resolve(start);
    return new Promise((resolve) => {
      this.#waiting.push({ term: start.term, resolve, ticksLeft: this.#ticksMax });
    });
  }

  /** Something may have happened; `targetId` is whom the core hands over to. */
  check({ leaderId, isLeader, term }: Leadership, targetId: MemberId | undefined): void {
    this.#end((each) => {
      const isSameTerm = isLeader && term === each.term;
      if (isSameTerm && targetId !== undefined) return undefined;
      // Elected again after a failed transfer comes to the same as never having lost it.
      if (isSameTerm || leaderId === this.#memberId) return { kind: 'aborted', reason: 'timeout' };
      if (leaderId !== undefined) return { kind: 'done', leaderId, term };
      return each.ticksLeft > 0 ? undefined : { kind: 'aborted', reason: 'noLeader' };
    });
  }

  /** Time passed. */
  tick(ticks: number): void {
    for (const each of this.#waiting) each.ticksLeft -= ticks;
  }

  /** Ends everything that waits. */
  stop(): void {
    this.#end(() => ({ kind: 'aborted', reason: 'stopped' }));
  }

  #end(outcomeOf: (each: Waiting) => TransferOutcome | undefined): void {
    this.#waiting = this.#waiting.filter((each) => {
      const outcome = outcomeOf(each);
      if (outcome !== undefined) each.resolve(outcome);
      return outcome === undefined;
    });
  }
}
