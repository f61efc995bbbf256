/**
 * Virtual time for whole clusters in one process (spec: testing 1.1). One heap of events ordered by
 * (time, sequence); each step runs one event and then yields one macrotask, so that all promise
 * work it caused is finished before the next. Nothing here asks a real clock or real chance, so a
 * seed replays a run.
 */
import { assert } from '../../base/assert';
import type { Cancel } from '../../base/clock';
import { Heap } from '../../base/heap';
import { SeededRandom, type Random } from '../../base/random';
import { SimClock } from './sim-clock';

interface SimEvent {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** The event loop of a simulated cluster. */
export class Simulator {
  readonly seed: string;
  /** Fork it by concern: one more draw here must not shift all others. */
  readonly random: Random;
  readonly #events = new Heap<SimEvent>((a, b) =>
    a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs,
  );
  #nowMs = 0;
  #sequence = 0;

  constructor(seed: string) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events run so far: a cheap digest of a run. */
  get eventCount(): number {
    return this.#sequence;
  }

  /** Runs `run` in `delayMs`. */
  schedule(delayMs: number, run: () => void): Cancel {
    assert(delayMs >= 0, 'time does not run backwards', { delayMs });
    const event: SimEvent = {
      atMs: this.#nowMs + delayMs,
      sequence: this.#sequence++,
      run,
      isCancelled: false,
    };
    this.#events.push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** A process: what it scheduled dies with it. */
  process(name: string): SimProcess {
    return new SimProcess(this, name);
  }

  /** Runs the next event and all promise work it causes; false if there is none. */
  async step(): Promise<boolean> {
    for (let event = this.#events.pop(); event !== undefined; event = this.#events.pop()) {
      if (event.isCancelled) continue;
      this.#nowMs = event.atMs;
      event.run();
      await settle();
      return true;
    }
    return false;
  }

  /** Runs until `ms` of virtual time have passed. */
  async runFor(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#events.peek();
      if (next === undefined || next.atMs > endMs) break;
      await this.step();
    }
    this.#nowMs = endMs;
  }

  /** Runs until `condition` holds; fails when it does not within `withinMs` of virtual time. */
  async runUntil(what: string, condition: () => boolean, withinMs = 60_000): Promise<void> {
    const endMs = this.#nowMs + withinMs;
    await settle();
    while (!condition()) {
      const next = this.#events.peek();
      if (next === undefined || next.atMs > endMs) {
        throw new Error(`Seed ${this.seed}: not within ${withinMs} virtual ms: ${what}`);
      }
      await this.step();
    }
  }

  /** Runs until `promise` settles, and passes on how. */
  async runUntilSettled<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.runUntil('a promise settles', () => isSettled, withinMs);
    return promise;
  }
}

/** Waits until all promise work that is possible without an event is done. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A simulated process. After `kill` nothing of it runs any more: no timer, no completion. */
export class SimProcess {
  readonly name: string;
  readonly simulator: Simulator;
  readonly clock: SimClock;
  readonly #onKill: (() => void)[] = [];
  #isAlive = true;

  constructor(simulator: Simulator, name: string) {
    this.simulator = simulator;
    this.name = name;
    this.clock = new SimClock(this);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Runs `run` in `delayMs`, if the process is alive then. */
  schedule(delayMs: number, run: () => void): Cancel {
    return this.simulator.schedule(delayMs, () => {
      if (this.#isAlive) run();
    });
  }

  /** Calls `run` when the process is killed. */
  onKill(run: () => void): void {
    this.#onKill.push(run);
  }

  /** Ends the process at this instant. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const run of this.#onKill) run();
  }
}
