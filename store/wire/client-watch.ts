/**
 * A watch of a client, longer-lived than any connection: it knows the first revision that its
 * consumer does not have yet, and starts exactly there on the next replica. What its consumer has
 * not taken counts against a window, so a slow one cannot fill the memory of either end.
 */
import { BoundedQueue } from '../../base/bounded-queue';
import { storeError, type StoreError } from '../errors';
import type { KeyRange, KvWatch, Revision, WatchBatch, WatchEvent } from '../kv';
import { eventsBytes, WIRE_LIMITS } from './flow-control';

/** What a watch needs of its client. */
export interface WatchClient {
  /** The consumer took this much. */
  sendCredit(watch: ClientWatch, bytes: number): void;
  /** Ask for word about this watch with the frame of this turn. */
  askProgress(watch: ClientWatch): void;
  /** The watch is over on this side. */
  onWatchClosed(watch: ClientWatch): void;
}

/** Somebody who waits for word that a watch is up to date. */
export interface ProgressWaiter {
  readonly deadlineMs: number;
  readonly resolve: (revision: Revision) => void;
  readonly reject: (error: Error) => void;
}

/** The consuming end of a watch. */
export class ClientWatch implements KvWatch {
  readonly range: KeyRange;
  /** Its number on the present connection; 0 without one. */
  wireId = 0;
  readonly #client: WatchClient;
  readonly #deadline: () => number;
  readonly #queue: BoundedQueue<WatchBatch>;
  /** The first revision not received yet; 0 until the first replica has said where it starts. */
  #nextRevision: Revision;
  /** The part of a batch that has arrived. */
  #parts: WatchEvent[] = [];
  /** Taken by the consumer and not yet told; below 0 by what an earlier connection brought. */
  #takenBytes = 0;
  #queuedBytes = 0;
  #isClosed = false;
  /** Waiters whose question is not under way, and those whose question is. */
  #due: ProgressWaiter[] = [];
  readonly #asked = new Map<number, ProgressWaiter[]>();

  constructor(
    client: WatchClient,
    options: { range: KeyRange; startRevision: Revision; deadline: () => number },
  ) {
    this.#client = client;
    this.range = options.range;
    this.#nextRevision = options.startRevision;
    this.#deadline = options.deadline;
    // No bound in batches: the window bounds what the replica may send.
    this.#queue = new BoundedQueue({
      capacity: Number.POSITIVE_INFINITY,
      onReturn: () => this.close(),
    });
  }

  /** Where the next replica has to start. */
  get nextRevision(): Revision {
    return this.#nextRevision;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch, undefined> {
    const inner = this.#queue[Symbol.asyncIterator]();
    return {
      next: async () => {
        const step = await inner.next();
        if (step.done !== true && step.value.kind === 'events') this.#taken(step.value.events);
        return step;
      },
      return: () => {
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  requestProgress(): Promise<Revision> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closedError());
        return;
      }
      this.#due.push({ deadlineMs: this.#deadline(), resolve, reject });
      this.#client.askProgress(this);
    });
  }

  close(): void {
    if (this.#finish(undefined)) this.#client.onWatchClosed(this);
  }

  /** The replica, or nobody, serves it any more. */
  fail(error: StoreError): void {
    if (this.#finish(error)) this.#client.onWatchClosed(this);
  }

  /** A replica serves it from `startRevision` on. */
  started(startRevision: Revision): void {
    if (this.#nextRevision === 0) this.#nextRevision = startRevision;
  }

  /** Events arrived; with `more` the rest of their revision follows. */
  receive(revision: Revision, events: readonly WatchEvent[], more: boolean): void {
    // One by one: a part may hold more events than a call takes arguments.
    if (more || this.#parts.length > 0) for (const event of events) this.#parts.push(event);
    if (more) return;
    const whole = this.#parts.length > 0 ? this.#parts : events;
    this.#parts = [];
    if (revision < this.#nextRevision) return;
    this.#nextRevision = (revision + 1) as Revision;
    this.#queuedBytes += eventsBytes(whole);
    this.#queue.push({ kind: 'events', revision, events: whole });
  }

  /** Word that all events up to `revision` have arrived, in answer to question `requestId`. */
  progress(requestId: number, revision: Revision): void {
    if (revision >= this.#nextRevision) this.#nextRevision = (revision + 1) as Revision;
    const delivered = (this.#nextRevision - 1) as Revision;
    this.#queue.push({ kind: 'progress', revision: delivered });
    for (const waiter of this.#asked.get(requestId) ?? []) waiter.resolve(revision);
    this.#asked.delete(requestId);
  }

  /** Whether somebody waits whose question is not under way. */
  get hasDue(): boolean {
    return this.#due.length > 0;
  }

  /** Whether question `requestId` is still of interest. */
  isAsking(requestId: number): boolean {
    return this.#asked.has(requestId);
  }

  /** Moves the waiters whose question is not under way to question `requestId`. */
  takeDue(requestId: number): boolean {
    if (this.#due.length === 0) return false;
    this.#asked.set(requestId, this.#due);
    this.#due = [];
    return true;
  }

  /** Question `requestId` got no answer: its waiters want another. */
  askAgain(requestId: number): void {
    const waiters = this.#asked.get(requestId);
    if (waiters === undefined) return;
    this.#asked.delete(requestId);
    this.#due.push(...waiters);
    this.#client.askProgress(this);
  }

  /** The connection is gone: what was under way on it has to start again. */
  detach(): void {
    this.wireId = 0;
    this.#parts = [];
    this.#takenBytes = -this.#queuedBytes;
    for (const waiters of this.#asked.values()) this.#due.push(...waiters);
    this.#asked.clear();
  }

  /** Ends the wait of those whose deadline has passed; true while others wait. */
  expire(nowMs: number): boolean {
    const isLate = (waiter: ProgressWaiter): boolean => waiter.deadlineMs <= nowMs;
    const late = [this.#due, ...this.#asked.values()].flat().filter(isLate);
    this.#due = this.#due.filter((waiter) => !isLate(waiter));
    for (const [id, waiters] of this.#asked) {
      const left = waiters.filter((waiter) => !isLate(waiter));
      if (left.length === 0) this.#asked.delete(id);
      else this.#asked.set(id, left);
    }
    for (const { reject } of late) {
      reject(storeError('STORE_TIMEOUT', 'Cannot confirm progress of a watch in time'));
    }
    return this.#due.length > 0 || this.#asked.size > 0;
  }

  #finish(error: StoreError | undefined): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#queue.end(error);
    if (error === undefined) void this.#queue[Symbol.asyncIterator]().return?.();
    for (const { reject } of [this.#due, ...this.#asked.values()].flat()) {
      reject(error ?? closedError());
    }
    this.#due = [];
    this.#asked.clear();
    return true;
  }

  #taken(events: readonly WatchEvent[]): void {
    const size = eventsBytes(events);
    this.#queuedBytes -= size;
    this.#takenBytes += size;
    if (this.#takenBytes * 2 < WIRE_LIMITS.watchWindowBytes) return;
    const bytes = this.#takenBytes;
    this.#takenBytes = 0;
    this.#client.sendCredit(this, bytes);
  }
}

function closedError(): StoreError {
  return storeError('STORE_STOPPED', 'Cannot confirm progress as the watch is closed');
}
