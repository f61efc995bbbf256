/**
 * Who decides when a lease ends: the leader alone, by its own monotonic clock (S46). It proposes an
 * expiry with its term; at apply that counts only in an entry of the same term (S40). A new leader
 * knows nothing of the renewals before it, so it gives every lease its full time again (S41): a
 * lease may live longer than its TTL, never shorter.
 */
import { assert } from '../../base/assert';
import type { Lease } from './lease';
import { LeaseQueue } from './lease-queue';

/** What a renewal found. */
export type Renewal =
  /** Renewed for its full TTL. */
  | { readonly kind: 'renewed'; readonly ttlSeconds: number }
  /** No such lease: answer TTL 0 (S44). */
  | { readonly kind: 'unknown' }
  /** An expiry or revoke is proposed: wait for its outcome and ask again (S43). */
  | { readonly kind: 'ending' };

interface RunningLease {
  readonly ttlSeconds: number;
  /** An end of it is proposed: no renewal may be promised (S43). */
  isEnding: boolean;
  /** When it was due, if its time is over and an expiry was proposed. */
  dueMs: number | undefined;
}

/** The leader's clocks for all leases. Pure: time comes in as monotonic milliseconds. */
export class Lessor {
  readonly #electionTimeoutMs: number;
  readonly #queue = new LeaseQueue();
  readonly #leases = new Map<string, RunningLease>();
  #isPromoted = false;

  constructor(options: { readonly electionTimeoutMs: number }) {
    this.#electionTimeoutMs = options.electionTimeoutMs;
  }

  /** Whether clocks run here. */
  get isPromoted(): boolean {
    return this.#isPromoted;
  }

  /**
   * Starts all clocks; call it after the leader applied its first entry of the term, so that every
   * end that was committed before is known. Each lease gets what the last checkpoint left it, its
   * full TTL without one, and an election timeout for the time nobody led (S41).
   */
  promote(nowMs: number, leases: Iterable<Lease>): void {
    this.demote();
    this.#isPromoted = true;
    for (const lease of leases) {
      this.#leases.set(lease.leaseId, {
        ttlSeconds: lease.ttlSeconds,
        isEnding: false,
        dueMs: undefined,
      });
      const atMs = nowMs + lease.remainingSeconds * 1000 + this.#electionTimeoutMs;
      this.#queue.set(lease.leaseId, atMs);
    }
  }

  /** No longer leader: no clock runs here. */
  demote(): void {
    this.#isPromoted = false;
    this.#leases.clear();
    this.#queue.clear();
  }

  /** A grant was applied. */
  granted(nowMs: number, lease: Lease): void {
    if (!this.#isPromoted) return;
    this.#leases.set(lease.leaseId, {
      ttlSeconds: lease.ttlSeconds,
      isEnding: false,
      dueMs: undefined,
    });
    this.#queue.set(lease.leaseId, nowMs + lease.ttlSeconds * 1000);
  }

  /** A revoke or expiry was applied. */
  ended(leaseId: string): void {
    this.#leases.delete(leaseId);
    this.#queue.delete(leaseId);
  }

  /** Renews; the caller has confirmed its leadership after the request came in (S42). */
  renew(nowMs: number, leaseId: string): Renewal {
    assert(this.#isPromoted, 'only a leader renews leases (S46)');
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) return { kind: 'unknown' };
    if (lease.isEnding) return { kind: 'ending' };
    this.#queue.set(leaseId, nowMs + lease.ttlSeconds * 1000);
    return { kind: 'renewed', ttlSeconds: lease.ttlSeconds };
  }

  /** Marks a client's revoke as proposed, so that renewals wait for it (S43). */
  revoking(leaseId: string): void {
    const lease = this.#leases.get(leaseId);
    if (lease !== undefined) lease.isEnding = true;
  }

  /**
   * At most `limit` leases whose time is over, marked as ending until `ended` or `giveBack`. The
   * caller proposes them in one command with its term.
   */
  takeExpired(nowMs: number, limit: number): readonly string[] {
    const expired: string[] = [];
    while (expired.length < limit) {
      const dueMs = this.#queue.firstMs();
      const leaseId = this.#queue.takeDue(nowMs);
      if (leaseId === undefined) break;
      const lease = this.#leases.get(leaseId);
      assert(lease !== undefined, 'only leases that exist have a deadline', { leaseId });
      lease.isEnding = true;
      lease.dueMs = dueMs;
      expired.push(leaseId);
    }
    return expired;
  }

  /**
   * The proposal to end these certainly failed: they can be renewed again, and those whose time is
   * over are offered by `takeExpired` again.
   */
  giveBack(leaseIds: readonly string[]): void {
    for (const leaseId of leaseIds) {
      const lease = this.#leases.get(leaseId);
      if (lease?.isEnding !== true) continue;
      lease.isEnding = false;
      if (lease.dueMs !== undefined) this.#queue.set(leaseId, lease.dueMs);
      lease.dueMs = undefined;
    }
  }

  /** When `takeExpired` may next have something; undefined if nothing is running. */
  nextExpiryMs(): number | undefined {
    return this.#queue.firstMs();
  }

  /** Seconds left of a lease; undefined if it is not known here. Negative if it is overdue. */
  remainingSeconds(nowMs: number, leaseId: string): number | undefined {
    const deadline = this.#queue.deadline(leaseId);
    return deadline === undefined ? undefined : (deadline - nowMs) / 1000;
  }
}
