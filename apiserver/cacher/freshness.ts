/**
 * Waiting until the cache knows enough for a read: the present revision of the store (K7), or N
 * (K8). The first needs no polling: a replica queues all events up to R on the watch before it
 * answers that the present revision is R. The second asks for progress every 100 ms while it
 * waits, since N may be a write that this resource's watch never sees.
 */
import { delay, type Clock } from '../../base/clock';
import type { Revision } from '../../store/index';
import { resourceVersionTooLarge } from '../machinery/status';
import { resourceVersionOf, revisionOf } from '../storage/index';
import type { CacherLimits } from './limits';
import type { ProgressRequester } from './progress-requester';
import type { WatchCache } from './watch-cache';

/** The freshness of one cache. */
export class FreshnessGate {
  readonly #cache: WatchCache;
  readonly #progress: ProgressRequester;
  readonly #clock: Clock;
  readonly #limits: CacherLimits;
  #waiting = 0;
  #isPolling = false;

  constructor(options: {
    readonly cache: WatchCache;
    readonly progress: ProgressRequester;
    readonly clock: Clock;
    readonly limits: CacherLimits;
  }) {
    this.#cache = options.cache;
    this.#progress = options.progress;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  /** Whether the cache reached the store's present revision in time; false: ask the store. */
  async consistent(signal?: AbortSignal): Promise<boolean> {
    const revision = await this.#withDeadline(this.#progress.current());
    if (revision === undefined) return false;
    return this.#cache.waitUntilFresh(revision, this.#limits.freshnessWaitMs, signal);
  }

  /** Waits for N; throws K8's failure when it does not come in time. */
  async atLeast(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    const revision = revisionOf(resourceVersion);
    if (this.#cache.revision >= revision) return;
    this.#waiting += 1;
    try {
      if (!this.#isPolling) void this.#poll();
      const { freshnessWaitMs } = this.#limits;
      if (await this.#cache.waitUntilFresh(revision, freshnessWaitMs, signal)) return;
      throw resourceVersionTooLarge(resourceVersion, resourceVersionOf(this.#cache.revision));
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Brings the cache up to the store if that is possible; the revision it has then. */
  async refresh(): Promise<Revision> {
    await this.consistent();
    return this.#cache.revision;
  }

  /** Asks for progress while anyone waits. Never rejects. */
  async #poll(): Promise<void> {
    this.#isPolling = true;
    while (this.#waiting > 0) {
      await this.#withDeadline(this.#progress.current());
      if (this.#waiting > 0) await delay(this.#clock, this.#limits.progressPeriodMs);
    }
    this.#isPolling = false;
  }

  /** The result of a request for progress, or undefined if it fails or takes too long. */
  #withDeadline(request: Promise<Revision>): Promise<Revision | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#limits.freshnessWaitMs, () => resolve(undefined));
      const settle = (revision: Revision | undefined): void => {
        cancel();
        resolve(revision);
      };
      request.then(settle, () => settle(undefined));
    });
  }
}
