/** Who decides when a lease ends: on the leader only (S40 to S46). Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Lease } from './lease';

/** What a renewal found. */
export type Renewal =
  /** Renewed for its full TTL. */
  | { readonly kind: 'renewed'; readonly ttlSeconds: number }
  /** No such lease: answer TTL 0 (S44). */
  | { readonly kind: 'unknown' }
  /** An expiry or revoke is proposed: wait for its outcome and ask again (S43). */
  | { readonly kind: 'ending' };

/** The leader's clocks for all leases. Pure: time comes in as monotonic milliseconds. */
export class Lessor {
  constructor(_options: { readonly electionTimeoutMs: number }) {
    unreachable('being written');
  }

  /** After the leader applied its first entry of the term: all leases start their full TTL (S41). */
  promote(_nowMs: number, _leases: Iterable<Lease>): void {
    unreachable('being written');
  }

  /** No longer leader: no clock runs here. */
  demote(): void {
    unreachable('being written');
  }

  /** A grant was applied. */
  granted(_nowMs: number, _lease: Lease): void {
    unreachable('being written');
  }

  /** A revoke or expiry was applied. */
  ended(_leaseId: string): void {
    unreachable('being written');
  }

  /** Renews; the caller has confirmed its leadership after the request came in (S42). */
  renew(_nowMs: number, _leaseId: string): Renewal {
    return unreachable('being written');
  }

  /** Marks a client's revoke as proposed, so that renewals wait for it (S43). */
  revoking(_leaseId: string): void {
    unreachable('being written');
  }

  /** At most `limit` leases whose time is over, marked as ending until applied or given back. */
  takeExpired(_nowMs: number, _limit: number): readonly string[] {
    return unreachable('being written');
  }

  /** Their proposal failed: they are offered by `takeExpired` again. */
  giveBack(_leaseIds: readonly string[]): void {
    unreachable('being written');
  }

  /** When `takeExpired` may next have something; undefined if nothing is running. */
  nextExpiryMs(): number | undefined {
    return unreachable('being written');
  }
}
