/** Time as an injected thing: the real clock, or the simulator's. */

/** Ends a timer; calling it again, or after the timer ran, does nothing. */
export type Cancel = () => void;

/** Where every part of keelson takes its time from. */
export interface Clock {
  /** Milliseconds since an arbitrary start. Never falls; durations are measured with it (R11). */
  monotonicMs(): number;
  /** Milliseconds since 1970, as people read them; may jump. Never decides anything. */
  wallMs(): number;
  /** Runs `run` once, at least `ms` milliseconds from now. */
  after(ms: number, run: () => void): Cancel;
}

/** Resolves after `ms`; an abort ends the wait at once, and resolves too. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}
