/**
 * When a watcher gets bookmarks (K15): about every minute, and once shortly before its own end.
 * Each one first asks the store for its present revision, so that the watch of an idle resource
 * moves on too and does not find its place compacted away later.
 */
import type { Cancel, Clock } from '../../base/clock';
import type { Revision } from '../../store/index';
import { LAST_BOOKMARK_MS } from '../storage/index';
import type { CacheWatcher } from './cache-watcher';

/** Sends bookmarks until cancelled. */
export function startBookmarks(options: {
  readonly watcher: CacheWatcher;
  readonly clock: Clock;
  readonly periodMs: number;
  /** Resolves with the cache's revision after trying to bring it up to the store's. */
  readonly refresh: () => Promise<Revision>;
}): Cancel {
  const { watcher, clock, periodMs, refresh } = options;
  const { bookmarks, timeoutMs } = watcher.request;
  if (!bookmarks) return () => undefined;
  let isOver = false;
  let cancelNext: Cancel = () => undefined;
  const send = (): void => {
    // `refresh` never fails: a store that cannot be asked leaves the revision as it is.
    void refresh().then((revision) => {
      if (!isOver) watcher.bookmark(revision);
    });
  };
  const arm = (): void => {
    cancelNext = clock.after(periodMs, () => {
      send();
      arm();
    });
  };
  arm();
  const lastMs = timeoutMs === undefined ? 0 : timeoutMs - LAST_BOOKMARK_MS;
  const cancelLast = lastMs > 0 ? clock.after(lastMs, send) : () => undefined;
  return () => {
    isOver = true;
    cancelNext();
    cancelLast();
  };
}
