/**
 * `Proposer` without a log, for the embedded mode and for tests: this member is the only one and
 * always leads, a command is applied as soon as it is proposed, by the same applier. What a turn
 * proposes is applied as one batch.
 */
import type { Entry, Index, StateMachine, Term } from '../../raft';
import type { Leadership, Proposer } from './proposer';

const TERM = 1 as Term;

/** Applies at once. */
export class LocalProposer implements Proposer {
  readonly #leadership: Leadership;
  readonly #fail: (error: unknown) => void;
  #machine: StateMachine | undefined;
  #lastIndex = 0;
  #queue: Uint8Array[] = [];
  #isApplying = false;

  /** `fail` is told if applying fails: the owner must end (R95). */
  constructor(memberId: string, fail: (error: unknown) => void) {
    this.#leadership = { term: TERM, isLeader: true, leaderId: memberId };
    this.#fail = fail;
  }

  /** Gives it what it applies to, which in turn needs a proposer to be made. */
  attach(machine: StateMachine): void {
    this.#machine = machine;
    this.#lastIndex = machine.applied().index;
  }

  propose(command: Uint8Array): Promise<void> {
    this.#queue.push(command);
    if (!this.#isApplying) {
      this.#isApplying = true;
      this.#applyAll().catch((error: unknown) => this.#fail(error));
    }
    return Promise.resolve();
  }

  readIndex(): Promise<number> {
    return Promise.resolve(this.#lastIndex);
  }

  leadership(): Leadership {
    return this.#leadership;
  }

  onLeadershipChange(): () => void {
    return () => undefined;
  }

  async #applyAll(): Promise<void> {
    // A microtask later: all that this turn proposes goes into one batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const commands = this.#queue;
      this.#queue = [];
      const entries = commands.map((data): Entry => {
        this.#lastIndex += 1;
        return { index: this.#lastIndex as Index, term: TERM, kind: 'normal', data };
      });
      const machine = this.#machine;
      await machine?.apply(entries, machine.applied().confState);
    }
    this.#isApplying = false;
  }
}
