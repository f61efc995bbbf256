/** Who leads, as this member's core last said, and who wants to hear of changes. */
import type { MemberId, SoftState, Term } from '../core';

/** Who leads, as far as this member knows. */
export interface Leadership {
  readonly term: number;
  readonly isLeader: boolean;
  readonly leaderId: MemberId | undefined;
}

/** Keeps the last known leadership. */
export class LeadershipWatch {
  readonly #listeners = new Set<(leadership: Leadership) => void>();
  #current: Leadership;

  constructor(term: number) {
    this.#current = { term, isLeader: false, leaderId: undefined };
  }

  get current(): Leadership {
    return this.#current;
  }

  watch(tell: (leadership: Leadership) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** Takes what a Ready says; tells if anything is new. */
  update(term: Term | undefined, soft: SoftState | undefined): void {
    const before = this.#current;
    const leaderId = soft === undefined ? before.leaderId : soft.leaderId;
    const isLeader = soft === undefined ? before.isLeader : soft.role === 'leader';
    const next: Leadership = { term: term ?? before.term, isLeader, leaderId };
    const isSame =
      next.term === before.term &&
      next.leaderId === before.leaderId &&
      next.isLeader === before.isLeader;
    if (isSame) return;
    this.#current = next;
    for (const tell of [...this.#listeners]) tell(next);
  }
}
