/**
 * Leases on the leader: it alone runs their clocks (S46). It begins when it has applied its first
 * entry of the term, so that every revoke committed before is known (S41); it proposes expiries
 * with its term (S40); it answers a renewal only after its leadership was confirmed by a round
 * begun after the request (S42).
 */
import type { Cancel, Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Command, CommandBody, CommandResult } from '../command';
import { isStoreError, storeError } from '../errors';
import type { Revision } from '../kv';
import { Lessor, type Lease } from '../lease';
import type { Proposer } from './proposer';

/** At most so many leases end with one command, and one command goes out a second. */
const EXPIRE_BATCH_MAX = 1_000;
const EXPIRE_INTERVAL_MS = 1_000;
const ENDING_POLL_MS = 20;

/** What a keeper is made of. */
export interface LeaseKeeperOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly proposer: Proposer;
  readonly electionTimeoutMs: number;
  /** How long a renewal waits at most. */
  readonly deadlineMs: number;
  readonly leases: () => Iterable<Lease>;
  readonly revision: () => Revision;
  /** Linearizable: resolves when leadership was confirmed and its index is applied. */
  readonly confirm: () => Promise<void>;
  readonly submit: (body: CommandBody, onlyInTerm: number) => Promise<CommandResult>;
  /** Told of what must end the process (R95). */
  readonly fail: (error: unknown) => void;
}

/** What a renewal gave. */
export interface Renewed {
  readonly revision: Revision;
  /** 0: there is no such lease (S44). */
  readonly ttlSeconds: number;
}

/** Runs the leases of a cluster while this member leads. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #lessor: Lessor;
  readonly #stopListening: () => void;
  /** The term in which the lessor runs. */
  #term: number | undefined;
  #appliedTerm = 0;
  #cancelTimer: Cancel | undefined;
  #lastExpiryMs = Number.NEGATIVE_INFINITY;
  #isExpiring = false;
  /** Their end was proposed, and what became of it is not known. */
  #doubtful: readonly string[] = [];

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#lessor = new Lessor({ electionTimeoutMs: options.electionTimeoutMs });
    this.#stopListening = options.proposer.onLeadershipChange(() => this.#follow());
  }

  /** Whether this member runs the clocks. */
  get isRunning(): boolean {
    return this.#term !== undefined;
  }

  /** An entry of `term` is applied. */
  termApplied(term: number): void {
    this.#appliedTerm = Math.max(this.#appliedTerm, term);
    this.#follow();
  }

  /** A command was applied. */
  applied(command: Command, result: CommandResult): void {
    if (this.#term === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (result.kind === 'leaseGrant') {
      const { leaseId, ttlSeconds } = result;
      this.#lessor.granted(nowMs, { leaseId, ttlSeconds, remainingSeconds: ttlSeconds });
      this.#schedule();
    } else if (result.kind === 'leaseExpire') {
      if (command.kind === 'leaseExpire') for (const id of command.leaseIds) this.#lessor.ended(id);
    } else if (command.kind === 'leaseRevoke') this.#lessor.ended(command.leaseId);
  }

  /** A client's revoke is being proposed: renewals wait for what becomes of it (S43). */
  revoking(leaseId: string): void {
    if (this.#term !== undefined) this.#lessor.revoking(leaseId);
  }

  /** The revoke certainly failed: the lease lives on. */
  notRevoked(leaseId: string): void {
    if (this.#term === undefined) return;
    this.#lessor.giveBack([leaseId]);
    this.#schedule();
  }

  /** Renews a lease, on the leader alone. */
  async renew(leaseId: string): Promise<Renewed> {
    const { clock, deadlineMs, confirm, revision } = this.#options;
    const giveUpMs = clock.monotonicMs() + deadlineMs;
    const term = this.#term;
    await confirm();
    for (;;) {
      // Confirmed in this term and still in it: the clocks here are the ones that count.
      if (term === undefined || this.#term !== term) {
        throw storeError(
          'RAFT_NOT_LEADER',
          `Cannot renew lease ${leaseId} as another member leads`,
        );
      }
      // Before the renewal, so that the answer does not claim more than was looked at (S43).
      const header = revision();
      const renewal = this.#lessor.renew(clock.monotonicMs(), leaseId);
      if (renewal.kind === 'renewed') {
        this.#schedule();
        return { revision: header, ttlSeconds: renewal.ttlSeconds };
      }
      if (renewal.kind === 'unknown') return { revision: header, ttlSeconds: 0 };
      if (clock.monotonicMs() >= giveUpMs) {
        throw storeError('STORE_TIMEOUT', `Cannot renew lease ${leaseId} as its end is proposed`);
      }
      await new Promise<void>((resolve) => void clock.after(ENDING_POLL_MS, resolve));
    }
  }

  stop(): void {
    this.#stopListening();
    this.#demote();
  }

  #follow(): void {
    const { isLeader, term } = this.#options.proposer.leadership();
    if (this.#term !== undefined && (!isLeader || this.#term !== term)) this.#demote();
    if (!isLeader || this.#term !== undefined || this.#appliedTerm !== term) return;
    this.#term = term;
    this.#lessor.promote(this.#options.clock.monotonicMs(), this.#options.leases());
    this.#schedule();
  }

  #demote(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.#doubtful = [];
    this.#lessor.demote();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nextMs = this.#doubtful.length > 0 ? 0 : this.#lessor.nextExpiryMs();
    if (nextMs === undefined || this.#isExpiring) return;
    const { clock } = this.#options;
    const dueMs = Math.max(nextMs, this.#lastExpiryMs + EXPIRE_INTERVAL_MS);
    this.#cancelTimer = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => {
      this.#cancelTimer = undefined;
      this.#expire();
    });
  }

  #expire(): void {
    const { clock, submit, logger, fail } = this.#options;
    const term = this.#term;
    if (term === undefined) return;
    const nowMs = clock.monotonicMs();
    const taken = this.#lessor.takeExpired(nowMs, EXPIRE_BATCH_MAX - this.#doubtful.length);
    const leaseIds = [...this.#doubtful, ...taken];
    this.#doubtful = [];
    if (leaseIds.length === 0) {
      this.#schedule();
      return;
    }
    this.#isExpiring = true;
    this.#lastExpiryMs = nowMs;
    const proposed = submit({ kind: 'leaseExpire', leaseIds, term }, term);
    void proposed
      .catch((error: unknown) => {
        if (!isStoreError(error)) {
          fail(error);
          return;
        }
        logger.warn('could not expire leases', { leases: leaseIds.length, error: error.message });
        if (this.#term !== term) return;
        // In doubt no renewal may be promised (S43). Proposing the end again does no harm: what is
        // gone already is passed over at apply.
        if (error.outcome === 'unknown') this.#doubtful = leaseIds;
        else this.#lessor.giveBack(leaseIds);
      })
      .then(() => {
        this.#isExpiring = false;
        if (this.#term !== undefined) this.#schedule();
      });
  }
}
