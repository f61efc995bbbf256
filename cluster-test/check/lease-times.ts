/**
 * Leases by true time (S40 to S46): one that its holder did not revoke never ends before the last
 * renewal that was answered plus its TTL, whoever led meanwhile. A renewal counts from its call,
 * the latest moment of which the holder may be sure.
 */
import type { Complaints } from './complaints';

interface TrackedLease {
  ttlMs: number;
  readonly renewedMs: number[];
  endedMs: number | undefined;
  /** The holder asked for its end, or nobody knows. */
  isRevoked: boolean;
}

/** All leases of a run. */
export class LeaseTimes {
  readonly #complaints: Complaints;
  readonly #leases = new Map<string, TrackedLease>();
  #ended = 0;

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  /** Leases that ended by themselves. */
  get expired(): number {
    return this.#ended;
  }

  /** A grant was applied by the first member, and perhaps never answered. */
  granted(leaseId: string, ttlSeconds: number): void {
    if (this.#leases.has(leaseId)) return;
    const ttlMs = ttlSeconds * 1_000;
    this.#leases.set(leaseId, { ttlMs, renewedMs: [], endedMs: undefined, isRevoked: false });
  }

  /** The holder got word that it was renewed or granted; it had asked at `calledMs`. */
  renewed(leaseId: string, calledMs: number): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) {
      this.#complaints.add('a renewed lease exists', { leaseId });
      return;
    }
    lease.renewedMs.push(calledMs);
    this.#check(leaseId, lease);
  }

  /** The holder is about to revoke it. */
  revoking(leaseId: string): void {
    const lease = this.#leases.get(leaseId);
    if (lease !== undefined) lease.isRevoked = true;
  }

  /** The first member has applied its end. */
  ended(leaseId: string, nowMs: number): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined || lease.endedMs !== undefined) return;
    lease.endedMs = nowMs;
    this.#ended += 1;
    this.#check(leaseId, lease);
  }

  /** Leases that should have ended long ago. */
  overdue(nowMs: number, slackMs: number): string[] {
    return [...this.#leases]
      .filter(([, lease]) => {
        const last = Math.max(0, ...lease.renewedMs);
        return lease.endedMs === undefined && nowMs > last + lease.ttlMs + slackMs;
      })
      .map(([leaseId]) => leaseId);
  }

  #check(leaseId: string, { endedMs, renewedMs, ttlMs, isRevoked }: TrackedLease): void {
    if (endedMs === undefined || isRevoked) return;
    for (const calledMs of renewedMs) {
      // A call after the end must not have been answered with success at all.
      if (calledMs + ttlMs > endedMs) {
        this.#complaints.add('a lease never ends early', { leaseId, calledMs, ttlMs, endedMs });
        return;
      }
    }
  }
}
