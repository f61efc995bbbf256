/**
 * One client's watch on the cache: a selection, the revision from which it wants changes, and a
 * bounded queue. Dispatch puts shared events in and never waits. A watcher whose queue grows gets
 * a short grace to catch up, then its stream ends cleanly after what is queued (K20): the client
 * watches again from the last event it saw.
 */
import type { Cancel, Clock } from '../../base/clock';
import { BoundedQueue } from '../../base/bounded-queue';
import type { Revision } from '../../store/index';
import type { ApiError } from '../machinery/status';
import {
  changeKind,
  isInScope,
  resourceVersionOf,
  type StorageWatchEvent,
  type WatchRequest,
} from '../storage/index';
import type { CacheEntry } from './cache-entry';
import type { ChangeEvent } from './change-event';
import type { CacherLimits } from './limits';

/** A registered watcher. */
export class CacheWatcher {
  readonly request: WatchRequest;
  readonly queue: BoundedQueue<StorageWatchEvent>;
  /** The last dispatch that reached it, so that two index hits deliver once. */
  lastDispatch = 0;
  readonly #after: Revision;
  readonly #clock: Clock;
  readonly #limits: CacherLimits;
  readonly #onSlow: () => void;
  #grace: Cancel | undefined;

  constructor(options: {
    readonly request: WatchRequest;
    /** Changes up to here are not wanted. */
    readonly after: Revision;
    readonly clock: Clock;
    readonly limits: CacherLimits;
    /** Called once if the watcher is cut for being slow. */
    readonly onSlow: () => void;
  }) {
    const { limits } = options;
    this.request = options.request;
    this.#after = options.after;
    this.#clock = options.clock;
    this.#limits = limits;
    this.#onSlow = options.onSlow;
    // One weight keeps both bounds: no event weighs less than its share of the whole.
    const share = Math.ceil(limits.watcherQueueBytesMax / limits.watcherQueueMax);
    this.queue = new BoundedQueue({
      capacity: limits.watcherQueueBytesMax,
      weigh: (event) => Math.max(share, event.kind === 'bookmark' ? 0 : event.object.json.length),
    });
  }

  /** How the watcher sees a change, or undefined if it does not. */
  seen(change: ChangeEvent): StorageWatchEvent | undefined {
    if (change.revision <= this.#after) return undefined;
    const { current, previous } = change;
    const kind = changeKind(this.#isSelected(previous), this.#isSelected(current));
    return kind === undefined ? undefined : change.as(kind);
  }

  /** Queues a change if the watcher sees it; says whether it did. */
  offer(change: ChangeEvent): boolean {
    const event = this.seen(change);
    if (event === undefined) return false;
    this.#push(event);
    return true;
  }

  /** Queues a bookmark of a revision that was dispatched completely (K15, K19). */
  bookmark(revision: Revision): void {
    // A watch of a future revision stays silent until that is passed (T29).
    if (revision < this.#after) return;
    const resourceVersion = resourceVersionOf(revision);
    // A bookmark is a courtesy: it is not worth the last place in a queue.
    if (this.queue.length >= this.#limits.watcherQueueSoft) return;
    this.queue.push({ kind: 'bookmark', resourceVersion, initialEventsEnd: false });
  }

  /** Ends the stream after what is queued; with an error as the ERROR event (K10). */
  end(error?: ApiError): void {
    this.#grace?.();
    this.queue.end(error);
  }

  #push(event: StorageWatchEvent): void {
    if (!this.queue.push(event)) {
      this.#cut();
      return;
    }
    if (this.queue.length <= this.#limits.watcherQueueSoft || this.#grace !== undefined) return;
    this.#grace = this.#clock.after(this.#limits.slowWatcherGraceMs, () => {
      this.#grace = undefined;
      if (this.queue.length > this.#limits.watcherQueueSoft) this.#cut();
    });
  }

  #cut(): void {
    this.end();
    this.#onSlow();
  }

  #isSelected(entry: CacheEntry | undefined): boolean {
    const { scope, predicate } = this.request;
    if (entry === undefined || !isInScope(entry.path, scope)) return false;
    return predicate.isEverything || predicate.matchesAttributes(entry);
  }
}
