/** The loops that run as long as their owner does: one that fails ends it, none fails unseen. */

/** Loops that are awaited together. */
export class Background {
  readonly #loops: Promise<void>[] = [];
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor() {
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    // Who calls run() gets the failure; so does close().
    this.#ended.catch(() => undefined);
  }

  /** Adds a loop that has begun. */
  add(loop: Promise<void>): void {
    this.#loops.push(loop);
    loop.catch((error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Resolves after `close`; rejects as the first loop that fails. */
  run(): Promise<void> {
    return this.#ended;
  }

  /** Waits for all loops, which their signal has told to end. */
  async close(): Promise<void> {
    await Promise.all(this.#loops);
    this.#end();
    await this.#ended;
  }
}
