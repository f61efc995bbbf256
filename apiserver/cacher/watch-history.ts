/**
 * The ring of recent events of one resource (K14): what a watch from N is fed from. Between its
 * limits it doubles when it fills up too fast to hold 75 s of events, and halves when a quarter of
 * it would do. A watch from below its start is refused, also when the store still has the
 * revision: how clients handle 410 must be testable.
 */
import { assert } from '../../base/assert';
import type { Revision } from '../../store/index';
import type { CacheEntry } from './cache-entry';
import type { ChangeEvent } from './change-event';

/** The ring's bounds, part of the cacher's limits. */
export interface HistoryLimits {
  readonly historyEventsMin: number;
  readonly historyEventsMax: number;
  readonly historyBytesMax: number;
  readonly historyFreshMs: number;
}

/** Recent events in revision order. */
export class WatchHistory {
  readonly #limits: HistoryLimits;
  /** A ring: `#size` events from `#start` on. */
  #events: (ChangeEvent | undefined)[];
  #start = 0;
  #size = 0;
  #bytes = 0;
  /** Invariant: every event above this revision is in the ring. */
  #oldestDeliverable: Revision;

  constructor(limits: HistoryLimits, revision: Revision) {
    this.#limits = limits;
    this.#events = new Array<undefined>(limits.historyEventsMin).fill(undefined);
    this.#oldestDeliverable = revision;
  }

  get capacity(): number {
    return this.#events.length;
  }

  get size(): number {
    return this.#size;
  }

  /** The smallest N from which a watch can be served. */
  get oldestDeliverable(): Revision {
    return this.#oldestDeliverable;
  }

  append(event: ChangeEvent): void {
    const newest = this.#size === 0 ? undefined : this.#at(this.#size - 1);
    assert(newest === undefined || event.revision >= newest.revision, 'events come in order', {
      revision: event.revision,
    });
    if (this.#size === this.capacity) this.#resize(event.atMs);
    if (this.#size === this.capacity) this.#dropOldest();
    this.#events[(this.#start + this.#size) % this.capacity] = event;
    this.#size += 1;
    this.#bytes += weightOf(event);
  }

  /** The events above `revision` in order, or undefined if some of them are gone. */
  since(revision: Revision): ChangeEvent[] | undefined {
    if (revision < this.#oldestDeliverable) return undefined;
    const events: ChangeEvent[] = [];
    for (let i = this.#firstAbove(revision); i < this.#size; i++) events.push(this.#at(i));
    return events;
  }

  /**
   * What differed at `revision` from the present: the state then by path (undefined: there was no
   * object). Undefined if the ring does not reach back so far, or has more than `eventsMax` events
   * to undo. So exact reads (K22) cost memory only while they run, not a snapshot per revision.
   */
  undo(
    revision: Revision,
    eventsMax: number,
  ): ReadonlyMap<string, CacheEntry | undefined> | undefined {
    if (revision < this.#oldestDeliverable) return undefined;
    const first = this.#firstAbove(revision);
    if (this.#size - first > eventsMax) return undefined;
    const states = new Map<string, CacheEntry | undefined>();
    for (let i = first; i < this.#size; i++) {
      const event = this.#at(i);
      if (!states.has(event.path)) states.set(event.path, event.previous);
    }
    return states;
  }

  /** Forgets all events: only what follows `revision` can be delivered now. */
  forget(revision: Revision): void {
    assert(revision >= this.#oldestDeliverable, 'history is never remembered again', { revision });
    this.#events = new Array<undefined>(this.#limits.historyEventsMin).fill(undefined);
    this.#start = 0;
    this.#size = 0;
    this.#bytes = 0;
    this.#oldestDeliverable = revision;
  }

  #at(i: number): ChangeEvent {
    return this.#events[(this.#start + i) % this.capacity] as ChangeEvent;
  }

  #firstAbove(revision: Revision): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropOldest(): void {
    const oldest = this.#at(0);
    // Events of one revision may be cut apart here: then none of them can be delivered from below.
    this.#oldestDeliverable = oldest.revision;
    this.#events[this.#start] = undefined;
    this.#start = (this.#start + 1) % this.capacity;
    this.#size -= 1;
    this.#bytes -= weightOf(oldest);
  }

  /** Called when the ring is full. */
  #resize(nowMs: number): void {
    const { historyEventsMin, historyEventsMax, historyFreshMs, historyBytesMax } = this.#limits;
    const { capacity } = this;
    if (nowMs - this.#at(0).atMs < historyFreshMs) {
      if (this.#bytes < historyBytesMax) this.#moveTo(Math.min(capacity * 2, historyEventsMax));
      return;
    }
    const quarter = this.#at(this.#size - Math.max(1, Math.floor(capacity / 4)));
    if (nowMs - quarter.atMs > historyFreshMs) {
      this.#moveTo(Math.max(Math.floor(capacity / 2), historyEventsMin));
    }
  }

  #moveTo(capacity: number): void {
    if (capacity === this.capacity) return;
    while (this.#size > capacity) this.#dropOldest();
    const events = new Array<ChangeEvent | undefined>(capacity).fill(undefined);
    for (let i = 0; i < this.#size; i++) events[i] = this.#at(i);
    this.#events = events;
    this.#start = 0;
  }
}

/** The bytes an event keeps alive: what it replaced (its own state is usually the present one). */
function weightOf({ previous, current }: ChangeEvent): number {
  return previous?.object.json.length ?? current?.object.json.length ?? 0;
}
