/**
 * Ticks from the monotonic clock (R11), and notice of stalls (R92).
 *
 * After a stall of the event loop the time that passed is not made up in one go: messages that
 * arrived meanwhile are still unread, and a burst of ticks would end a leadership or begin an
 * election on stale knowledge. At most `catchUpTicksMax` are made up, the rest is dropped.
 */
import { assert } from '../../base/assert';
import type { Cancel, Clock } from '../../base/clock';

/** How a ticker runs. */
export interface TickerOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  readonly catchUpTicksMax: number;
  /** A gap of this much is told as a stall. */
  readonly stallMs: number;
  readonly onTick: (ticks: number) => void;
  readonly onStall: (ms: number) => void;
}

/** Calls `onTick` as time passes. */
export class Ticker {
  readonly #options: TickerOptions;
  #dueMs: number;
  #cancel: Cancel | undefined;

  constructor(options: TickerOptions) {
    assert(options.tickMs > 0 && options.catchUpTicksMax >= 1, 'a ticker ticks');
    this.#options = options;
    this.#dueMs = options.clock.monotonicMs() + options.tickMs;
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    const { clock } = this.#options;
    const waitMs = Math.max(0, this.#dueMs - clock.monotonicMs());
    this.#cancel = clock.after(waitMs, () => this.#fire());
  }

  #fire(): void {
    const { clock, tickMs, catchUpTicksMax, stallMs, onTick, onStall } = this.#options;
    const now = clock.monotonicMs();
    const lateMs = now - this.#dueMs;
    let ticks = 1 + Math.max(0, Math.floor(lateMs / tickMs));
    this.#dueMs += ticks * tickMs;
    if (ticks > catchUpTicksMax) {
      ticks = catchUpTicksMax;
      this.#dueMs = now + tickMs;
    }
    // Armed first: whoever is told may stop the ticker.
    this.#arm();
    if (lateMs >= stallMs) onStall(lateMs);
    if (this.#cancel !== undefined) onTick(ticks);
  }
}
