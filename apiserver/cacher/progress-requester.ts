/**
 * Linearizable revisions for consistent reads (K7), shared: callers that come while a request is
 * under way wait for the next one, since only a request that began after them may answer them; all
 * of them together cost one round trip.
 */
import type { Revision } from '../../store/index';

/** Batches calls of `ask`: at most one under way, one to come. */
export class ProgressRequester {
  readonly #ask: () => Promise<Revision>;
  #running: Promise<Revision> | undefined;
  #next: Promise<Revision> | undefined;

  constructor(ask: () => Promise<Revision>) {
    this.#ask = ask;
  }

  /** A revision that was the store's at some moment after this call. */
  current(): Promise<Revision> {
    this.#next ??= this.#begin(this.#running);
    return this.#next;
  }

  async #begin(before: Promise<Revision> | undefined): Promise<Revision> {
    try {
      await before;
    } catch {
      // The callers of that request have been told; this one is another request.
    }
    this.#running = this.#next;
    this.#next = undefined;
    return this.#ask();
  }
}
