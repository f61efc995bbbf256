/** A lease as every member knows it; only the leader knows when it ends (S46). */
export interface Lease {
  readonly leaseId: string;
  readonly ttlSeconds: number;
  /** What was left of it at the last checkpoint; the TTL if there was none. */
  readonly remainingSeconds: number;
}
