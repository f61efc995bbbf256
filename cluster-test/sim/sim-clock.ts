/** Virtual time as one process sees it. */
import type { Cancel, Clock } from '../../base/clock';

/** What a clock needs of its process. */
export interface Scheduler {
  readonly simulator: { readonly nowMs: number };
  schedule(delayMs: number, run: () => void): Cancel;
}

/** 2024-01-01, so that wall times look like some. */
const WALL_START_MS = 1_704_067_200_000;

/** The clock of a simulated process; its wall time may jump (R11). */
export class SimClock implements Clock {
  readonly #process: Scheduler;
  #wallOffsetMs = 0;

  constructor(process: Scheduler) {
    this.#process = process;
  }

  monotonicMs(): number {
    return this.#process.simulator.nowMs;
  }

  wallMs(): number {
    return WALL_START_MS + this.#wallOffsetMs + this.#process.simulator.nowMs;
  }

  after(ms: number, run: () => void): Cancel {
    return this.#process.schedule(ms, run);
  }

  /** Moves the wall clock; the monotonic one does not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }
}
