/** Order without a mutex: one owner runs its asynchronous jobs one at a time. */

/** Runs jobs in the order given, one at a time; after the first failure every job fails with it. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `job` after all earlier ones; rejects as it does. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job);
    this.#tail = result;
    // The tail may have no later job to report its failure; the caller of run() has the promise.
    this.#tail.catch(() => undefined);
    return result;
  }

  /** Resolves when all jobs given so far have ended; rejects if one failed. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
