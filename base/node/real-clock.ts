/** The process's own clock: `performance.now` for durations, `Date.now` for people. */
import type { Cancel, Clock } from '../clock';

/** Node's timers keep their delay in 31 bits and run at once beyond it. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Real time. */
export class RealClock implements Clock {
  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  /** Node's timers count whole milliseconds and may run a fraction early: then it waits again. */
  after(ms: number, run: () => void): Cancel {
    const dueMs = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const restMs = Math.max(0, dueMs - performance.now());
      timer = setTimeout(fire, Math.min(TIMER_MS_MAX, Math.ceil(restMs)));
    };
    const fire = (): void => {
      if (performance.now() < dueMs) arm();
      else run();
    };
    arm();
    return () => clearTimeout(timer);
  }
}
