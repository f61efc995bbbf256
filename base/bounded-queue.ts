/**
 * A queue between a producer that never waits and a consumer that does. Streams are
 * `AsyncIterable`s over one of these: the consumer's speed is the backpressure.
 */

/** What a queue does with an item that no longer fits: refuse it, and say so to the producer. */
export interface BoundedQueueOptions<T> {
  /** The most weight held at once; an item is always accepted by an empty queue. */
  readonly capacity: number;
  /** The weight of an item; 1 each without it. */
  readonly weigh?: (item: T) => number;
  /** Called once when the consumer is finished with the stream, however it ends. */
  readonly onReturn?: () => void;
}

/** A single-consumer queue with a capacity. */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #options: BoundedQueueOptions<T>;
  #items: T[] = [];
  #head = 0;
  #weight = 0;
  #end: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #isReturned = false;

  constructor(options: BoundedQueueOptions<T>) {
    this.#options = options;
  }

  /** The weight of what waits. */
  get weight(): number {
    return this.#weight;
  }

  /** The number of items that wait. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Appends an item; false if it does not fit or the queue has ended: then it is not queued. */
  push(item: T): boolean {
    const weight = this.#weigh(item);
    if (this.#end !== undefined || this.#isReturned) return false;
    if (this.length > 0 && this.#weight + weight > this.#options.capacity) return false;
    this.#items.push(item);
    this.#weight += weight;
    this.#wake?.();
    return true;
  }

  /** Ends the stream after what is queued; with an error the consumer then gets that error. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Takes the next item if one waits. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined as T;
    this.#head += 1;
    this.#weight -= this.#weigh(item);
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The one consumer's iterator; `return()` also ends a `next()` that is waiting. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        while (this.length === 0 && this.#end === undefined && !this.#isReturned) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
        }
        if (this.length > 0) return { value: this.shift() as T, done: false };
        const error = this.#isReturned ? undefined : this.#end?.error;
        this.#finish();
        if (error !== undefined) throw error as Error;
        return { value: undefined, done: true };
      },
      return: () => {
        this.#finish();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #finish(): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#items = [];
    this.#head = 0;
    this.#weight = 0;
    this.#wake?.();
    this.#options.onReturn?.();
  }

  #weigh(item: T): number {
    return this.#options.weigh?.(item) ?? 1;
  }
}
