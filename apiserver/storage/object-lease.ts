/**
 * Leases for objects that expire (K80), shared: objects written within 5 % of their time to live
 * (at most a minute) of each other hang on one lease, up to a thousand of them. So an event lives
 * a little longer than asked for, never shorter, and a flood of events grants few leases.
 */
import type { Clock } from '../../base/clock';
import type { Kv } from '../../store/index';

/** How far leases are shared. */
export interface ObjectLeaseLimits {
  readonly objectsPerLeaseMax: number;
  readonly shareFraction: number;
  readonly shareSecondsMax: number;
}

const DEFAULT_LIMITS: ObjectLeaseLimits = {
  objectsPerLeaseMax: 1_000,
  shareFraction: 0.05,
  shareSecondsMax: 60,
};

interface SharedLease {
  readonly leaseId: Promise<string>;
  readonly sharedUntilMs: number;
  objects: number;
}

/** Hands out leases; one for all resources of an API server. */
export class ObjectLeases {
  readonly #kv: Kv;
  readonly #clock: Clock;
  readonly #limits: ObjectLeaseLimits;
  /** The lease that is being filled, by time to live. Few values occur: events have one. */
  readonly #leases = new Map<number, SharedLease>();

  constructor(options: {
    readonly kv: Kv;
    readonly clock: Clock;
    readonly limits?: Partial<ObjectLeaseLimits>;
  }) {
    this.#kv = options.kv;
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** A lease that lasts at least `ttlSeconds` from now. */
  async leaseFor(ttlSeconds: number): Promise<string> {
    const now = this.#clock.monotonicMs();
    const open = this.#leases.get(ttlSeconds);
    const isUsable =
      open !== undefined &&
      now < open.sharedUntilMs &&
      open.objects < this.#limits.objectsPerLeaseMax;
    const lease = isUsable ? open : this.#grant(ttlSeconds, now);
    lease.objects += 1;
    try {
      return await lease.leaseId;
    } catch (error) {
      if (this.#leases.get(ttlSeconds) === lease) this.#leases.delete(ttlSeconds);
      throw error;
    }
  }

  /** Forgets a lease that the store no longer knows. */
  forget(ttlSeconds: number): void {
    this.#leases.delete(ttlSeconds);
  }

  #grant(ttlSeconds: number, now: number): SharedLease {
    for (const [ttl, lease] of this.#leases) {
      if (now >= lease.sharedUntilMs) this.#leases.delete(ttl);
    }
    const { shareFraction, shareSecondsMax } = this.#limits;
    const shareSeconds = Math.min(Math.ceil(ttlSeconds * shareFraction), shareSecondsMax);
    const lease: SharedLease = {
      leaseId: this.#kv.grantLease(ttlSeconds + shareSeconds).then(({ leaseId }) => leaseId),
      sharedUntilMs: now + shareSeconds * 1000,
      objects: 0,
    };
    this.#leases.set(ttlSeconds, lease);
    return lease;
  }
}
