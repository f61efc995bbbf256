/**
 * Whether a cache can serve (K21).
 *
 *   pending ──filled──▶ ready ──history lost──▶ pending
 *      └──────────stop──────────▶ stopped ◀──────┘ (also from ready)
 */

/** A switch that callers can wait for. */
export class Readiness {
  #state: 'pending' | 'ready' | 'stopped' = 'pending';
  #waiters = new Set<(error?: Error) => void>();

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  setReady(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'ready';
    this.#wake();
  }

  setPending(): void {
    if (this.#state === 'ready') this.#state = 'pending';
  }

  stop(): void {
    this.#state = 'stopped';
    this.#wake(new Error('Cannot wait for a watch cache that was stopped'));
  }

  /** Resolves when ready; rejects when stopped or aborted before. */
  whenReady(signal?: AbortSignal): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#waiters.delete(settle);
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(new Error('Cannot wait any longer: aborted'));
      this.#waiters.add(settle);
      if (signal?.aborted === true) onAbort();
      else if (this.#state === 'stopped')
        settle(new Error('Cannot wait: received a stopped cache'));
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(error?: Error): void {
    for (const settle of [...this.#waiters]) settle(error);
  }
}
