/**
 * Watches of one cache as streams (K6, K14 to K16): first what the request wants of the present or
 * of the past, then what dispatch queues. Between taking the first and joining the second nothing
 * is awaited, so no change falls between them and none comes twice.
 */
import type { Clock } from '../../base/clock';
import type { Revision } from '../../store/index';
import { expired, timeout, type ApiError } from '../machinery/status';
import {
  isInScope,
  resourceVersionOf,
  revisionOf,
  type Freshness,
  type KvResource,
  type StorageWatchEvent,
  type WatchRequest,
} from '../storage/index';
import { startBookmarks } from './bookmarks';
import type { CacheEntry } from './cache-entry';
import { CacheWatcher } from './cache-watcher';
import type { ChangeEvent } from './change-event';
import { Dispatcher } from './dispatch';
import type { FreshnessGate } from './freshness';
import type { CacherLimits } from './limits';
import type { Processed, WatchCache } from './watch-cache';

/** What a stream begins with. */
interface Beginning {
  /** Changes up to here are not wanted. */
  readonly after: Revision;
  readonly initial: readonly CacheEntry[];
  readonly backlog: readonly ChangeEvent[];
}

/** The watchers of one cache. */
export class WatchStreams {
  readonly #parts: {
    readonly resource: KvResource;
    readonly cache: WatchCache;
    readonly freshness: FreshnessGate;
    readonly clock: Clock;
    readonly limits: CacherLimits;
  };
  readonly #dispatcher: Dispatcher;

  constructor(parts: {
    readonly resource: KvResource;
    readonly cache: WatchCache;
    readonly freshness: FreshnessGate;
    readonly clock: Clock;
    readonly limits: CacherLimits;
  }) {
    this.#parts = parts;
    this.#dispatcher = new Dispatcher(parts.resource);
  }

  /** Sends changes to the watchers; returns how many deliveries that made. */
  dispatch({ events, failures }: Processed): number {
    const delivered = this.#dispatcher.dispatch(events);
    for (const { path, error } of failures) this.#fail(path, error);
    return delivered;
  }

  /** Ends all streams after what they have queued. */
  endAll(): void {
    for (const watcher of this.#dispatcher.watchers()) {
      this.#dispatcher.remove(watcher);
      watcher.end();
    }
  }

  /** Opens a stream. "Now" of any freshness is this moment. */
  open(request: WatchRequest): AsyncIterable<StorageWatchEvent> {
    return this.#stream(request, this.#parts.cache.revision);
  }

  async *#stream(
    request: WatchRequest,
    openedAt: Revision,
  ): AsyncGenerator<StorageWatchEvent, void, undefined> {
    const { signal } = request;
    await this.#waitFor(request);
    if (signal.aborted) return;
    const { cache, clock, limits, freshness } = this.#parts;
    const beginning = this.#begin(request, openedAt);
    const snapshotAt = cache.revision;
    const watcher = this.#watcher(request, beginning.after);
    const end = (): void => watcher.end();
    signal.addEventListener('abort', end, { once: true });
    this.#dispatcher.add(watcher);
    const stopBookmarks = startBookmarks({
      watcher,
      clock,
      periodMs: limits.bookmarkPeriodMs,
      refresh: () => freshness.refresh(),
    });
    try {
      for (const { object } of beginning.initial) {
        if (isAborted(signal)) return;
        yield { kind: 'added', object };
      }
      if (request.bookmarks && request.initialEventsEnd) {
        const resourceVersion = resourceVersionOf(snapshotAt);
        yield { kind: 'bookmark', resourceVersion, initialEventsEnd: true };
      }
      for (const change of beginning.backlog) {
        if (isAborted(signal)) return;
        const event = watcher.seen(change);
        if (event !== undefined) yield event;
      }
      for await (const event of watcher.queue) {
        if (isAborted(signal)) return;
        yield event;
      }
    } finally {
      stopBookmarks();
      signal.removeEventListener('abort', end);
      this.#dispatcher.remove(watcher);
      watcher.end();
    }
  }

  /** Waits until the cache is as fresh as the request wants (K6). */
  async #waitFor({ start, signal }: WatchRequest): Promise<void> {
    if (start.kind === 'from') return;
    await this.#waitForFreshness(start.freshness, signal);
  }

  async #waitForFreshness(wanted: Freshness, signal: AbortSignal): Promise<void> {
    const { freshness } = this.#parts;
    if (wanted.kind === 'notOlderThan') {
      await freshness.atLeast(wanted.resourceVersion, signal);
    } else if (wanted.kind === 'consistent') {
      const isFresh = await freshness.consistent(signal);
      // A list would go to the store now; a watch has nowhere else to go, so its client retries.
      if (!isFresh && !isAborted(signal)) {
        throw timeout('the watch cache did not reach the present revision in time', 1);
      }
    }
  }

  #begin({ start, scope, predicate }: WatchRequest, openedAt: Revision): Beginning {
    const { cache } = this.#parts;
    switch (start.kind) {
      case 'initialState': {
        const { entries } = cache.select(scope, predicate);
        const { metrics, resource } = this.#parts.resource;
        metrics?.initialEvents.increment([resource.resource], entries.length);
        return { after: cache.revision, initial: entries, backlog: [] };
      }
      case 'from':
        return this.#resume(revisionOf(start.resourceVersion), start.resourceVersion);
      case 'now':
        if (start.freshness.kind !== 'any') {
          return { after: cache.revision, initial: [], backlog: [] };
        }
        return this.#resume(openedAt, resourceVersionOf(openedAt));
    }
  }

  /** Goes on after a revision; 410 if the history does not reach back to it (K14). */
  #resume(after: Revision, resourceVersion: string): Beginning {
    const { history } = this.#parts.cache;
    const backlog = history.since(after);
    if (backlog === undefined) {
      const oldest = resourceVersionOf(history.oldestDeliverable);
      throw expired(`too old resource version: ${resourceVersion} (${oldest})`);
    }
    return { after, initial: [], backlog };
  }

  #watcher(request: WatchRequest, after: Revision): CacheWatcher {
    const { clock, limits, resource } = this.#parts;
    const watcher: CacheWatcher = new CacheWatcher({
      request,
      after,
      clock,
      limits,
      onSlow: () => {
        this.#dispatcher.remove(watcher);
        resource.metrics?.terminatedWatchers.increment([resource.resource.resource]);
      },
    });
    return watcher;
  }

  /** A value that cannot be decoded ends the watches that would see it (K81). */
  #fail(path: string, error: ApiError): void {
    for (const watcher of this.#dispatcher.watchers()) {
      if (!isInScope(path, watcher.request.scope)) continue;
      this.#dispatcher.remove(watcher);
      watcher.end(error);
    }
  }
}

/** Keeps the compiler from believing that a signal never changes across a `yield`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
