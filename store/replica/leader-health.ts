/**
 * Whether this member is of use to clients (S53): it follows a leader, or is one. A normal election
 * is no news; after three election timeouts without a leader clients are told, and look for a
 * member that has one.
 */
import type { Cancel, Clock } from '../../base/clock';
import type { LeaderHealth } from '../wire';
import type { Leadership, Proposer } from './proposer';

/** Watches a proposer. */
export class ProposerHealth implements LeaderHealth {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #tells = new Set<(hasLeader: boolean) => void>();
  readonly #stopListening: () => void;
  #hasLeader: boolean;
  #cancel: Cancel | undefined;

  constructor(proposer: Proposer, clock: Clock, electionTimeoutMs: number) {
    this.#clock = clock;
    this.#patienceMs = 3 * electionTimeoutMs;
    this.#hasLeader = proposer.leadership().leaderId !== undefined;
    this.#stopListening = proposer.onLeadershipChange((leadership) => this.#hear(leadership));
  }

  hasLeader(): boolean {
    return this.#hasLeader;
  }

  onChange(tell: (hasLeader: boolean) => void): () => void {
    this.#tells.add(tell);
    return () => this.#tells.delete(tell);
  }

  stop(): void {
    this.#stopListening();
    this.#cancel?.();
  }

  #hear({ leaderId }: Leadership): void {
    if (leaderId !== undefined) {
      this.#cancel?.();
      this.#cancel = undefined;
      this.#set(true);
    } else {
      this.#cancel ??= this.#clock.after(this.#patienceMs, () => {
        this.#cancel = undefined;
        this.#set(false);
      });
    }
  }

  #set(hasLeader: boolean): void {
    if (hasLeader === this.#hasLeader) return;
    this.#hasLeader = hasLeader;
    for (const tell of this.#tells) tell(hasLeader);
  }
}
