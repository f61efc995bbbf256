/** The watches that are open, so that shutdown can end them cleanly, one after the other (K41). */

/** All open watches of one API server. */
export class OpenWatches {
  readonly #ends = new Set<() => void>();

  /** How many are open. */
  get size(): number {
    return this.#ends.size;
  }

  /** Adds a watch that `end` ends cleanly; the result takes it out again. */
  add(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** The ends of those open now, oldest first. */
  snapshot(): readonly (() => void)[] {
    return [...this.#ends];
  }
}
