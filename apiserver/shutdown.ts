/**
 * The orderly end of an API server (K41): nothing new is taken, watches end one after the other
 * over a short time so that their clients do not all come back at once, and what is in flight is
 * waited for, within a grace.
 */
import { delay, type Clock } from '../base/clock';
import type { OpenWatches } from './http';
import type { ApiServerLimits } from './limits';
import type { ApiResponse } from './machinery/api-handler';

/** Counts what is in flight, and ends it. */
export class Shutdown {
  readonly #clock: Clock;
  readonly #limits: ApiServerLimits;
  #inFlight = 0;
  #idle: (() => void) | undefined;
  #hasBegun = false;

  constructor(clock: Clock, limits: ApiServerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Runs a request, which counts as in flight until it has its answer. */
  async during(run: () => Promise<ApiResponse>): Promise<ApiResponse> {
    this.#inFlight += 1;
    try {
      return await run();
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  /** Resolves when all watches are ended and nothing is in flight, or the grace is over. */
  async run(watches: OpenWatches): Promise<void> {
    this.#hasBegun = true;
    const ends = watches.snapshot();
    const pauseMs = this.#limits.shutdownWatchSpreadMs / Math.max(1, ends.length);
    for (const end of ends) {
      end();
      await delay(this.#clock, pauseMs);
    }
    if (this.#inFlight === 0) return;
    const idle = new Promise<void>((resolve) => (this.#idle = resolve));
    const grace = new AbortController();
    await Promise.race([idle, delay(this.#clock, this.#limits.shutdownGraceMs, grace.signal)]);
    grace.abort();
  }
}
