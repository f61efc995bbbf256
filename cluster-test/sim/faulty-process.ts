/** A simulated process that can also stand still, as under SIGSTOP or a long collection. */
import type { Cancel } from '../../base/clock';
import { SimProcess } from './simulator';

/** While paused nothing of it runs; what was due runs afterwards, in its order. */
export class FaultyProcess extends SimProcess {
  #isPaused = false;
  #held: (() => void)[] = [];

  get isPaused(): boolean {
    return this.#isPaused;
  }

  override schedule(delayMs: number, run: () => void): Cancel {
    let isCancelled = false;
    const cancel = super.schedule(delayMs, () => {
      if (this.#isPaused || this.#held.length > 0) {
        this.#held.push(() => {
          if (!isCancelled) run();
        });
      } else run();
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Stops it. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Lets it go on: first what came in meanwhile, one event each. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#held.length > 0) this.#drainLater();
  }

  #drainLater(): void {
    this.simulator.schedule(0, () => {
      if (!this.isAlive || this.#isPaused) return;
      const [first] = this.#held;
      first?.();
      // Only now: whatever becomes due before the last one has run queues up behind it.
      this.#held.shift();
      if (this.#held.length > 0) this.#drainLater();
    });
  }
}
