/**
 * WATCH straight from the store, for a server without a watch cache, and the rule by which a
 * change of a key becomes an event for a selection (K17), which the watch cache shares.
 */
import type { Cancel } from '../../base/clock';
import {
  isStoreError,
  type KvWatch,
  type Revision,
  type WatchEvent as KvEvent,
} from '../../store/index';
import { expired } from '../machinery/status';
import { toApiError, translated, WATCH_TOO_OLD } from './errors';
import { listFromStore } from './kv-list';
import { decodePair, type KvResource } from './kv-resource';
import type { Decoded } from './object-codec';
import { isInScope } from './object-key';
import { resourceVersionOf, revisionAfter, revisionOf } from './resource-version';
import type { StorageWatchEvent, WatchRequest } from './storage';

/** How a change looks through a selection: what matched before, what matches now (K17). */
export function changeKind(
  didMatch: boolean,
  doesMatch: boolean,
): 'added' | 'modified' | 'deleted' | undefined {
  if (doesMatch) return didMatch ? 'modified' : 'added';
  return didMatch ? 'deleted' : undefined;
}

/** Bookmarks come about this often (K15). */
export const BOOKMARK_PERIOD_MS = 60_000;
/** And once more this long before the stream's own end. */
export const LAST_BOOKMARK_MS = 2_000;

/** Streams events of one resource from the store. */
export async function* watchStore(
  resource: KvResource,
  request: WatchRequest,
): AsyncGenerator<StorageWatchEvent, void, undefined> {
  const { start, scope, predicate, signal } = request;
  let after: Revision;
  if (start.kind === 'from') {
    after = revisionOf(start.resourceVersion);
  } else if (start.kind === 'initialState') {
    const { freshness } = start;
    const page = { limit: 0, continueToken: undefined };
    const list = await listFromStore(resource, { scope, predicate, freshness, signal, ...page });
    for (const object of list.items) yield { kind: 'added', object };
    const { resourceVersion } = list;
    if (request.initialEventsEnd && request.bookmarks) {
      yield { kind: 'bookmark', resourceVersion, initialEventsEnd: true };
    }
    after = revisionOf(resourceVersion);
  } else {
    after = await translated(resource.kv.currentRevision());
  }
  if (signal.aborted) return;
  const range = resource.keys.rangeOf(scope);
  const watch = resource.kv.watch(range, { startRevision: revisionAfter(after), signal });
  const timer = bookmarkTimer(resource, request, watch);
  try {
    yield* eventsOf(resource, request, watch, after);
  } catch (error) {
    if (isStoreError(error) && error.code === 'STORE_COMPACTED') throw expired(WATCH_TOO_OLD);
    throw toApiError(error);
  } finally {
    timer();
    watch.close();
  }
}

async function* eventsOf(
  resource: KvResource,
  request: WatchRequest,
  watch: KvWatch,
  after: Revision,
): AsyncGenerator<StorageWatchEvent, void, undefined> {
  for await (const batch of watch) {
    if (batch.kind === 'events') {
      for (const event of batch.events) {
        const { modRevision } = event.keyValue;
        if (modRevision <= after) continue;
        const seen = seenThrough(resource, request, event, modRevision);
        if (seen !== undefined) yield seen;
      }
    } else if (request.bookmarks && batch.revision >= after && batch.revision > 0) {
      const resourceVersion = resourceVersionOf(batch.revision);
      yield { kind: 'bookmark', resourceVersion, initialEventsEnd: false };
    }
  }
}

/** Asks for progress when a bookmark is due; the progress comes through the stream, in order. */
function bookmarkTimer(resource: KvResource, request: WatchRequest, watch: KvWatch): Cancel {
  if (!request.bookmarks) return () => undefined;
  const { clock } = resource;
  // A watch that fails says so in its own stream; a bookmark that does not come is no loss.
  const ask = (): void => void watch.requestProgress().catch(() => undefined);
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.after(BOOKMARK_PERIOD_MS, () => {
      ask();
      arm();
    });
  };
  arm();
  const { timeoutMs } = request;
  const cancelLast =
    timeoutMs === undefined || timeoutMs <= LAST_BOOKMARK_MS
      ? () => undefined
      : clock.after(timeoutMs - LAST_BOOKMARK_MS, ask);
  return () => {
    cancel();
    cancelLast();
  };
}

function seenThrough(
  resource: KvResource,
  request: WatchRequest,
  event: KvEvent,
  revision: Revision,
): StorageWatchEvent | undefined {
  const previous = event.previous === undefined ? undefined : decodePair(resource, event.previous);
  const current = event.kind === 'delete' ? undefined : decodePair(resource, event.keyValue);
  const didMatch = previous !== undefined && isSelected(request, previous);
  const doesMatch = current !== undefined && isSelected(request, current);
  const kind = changeKind(didMatch, doesMatch);
  if (kind === undefined) return undefined;
  const object = kind === 'deleted' ? previous?.encoded.withRevision(revision) : current?.encoded;
  return object === undefined ? undefined : { kind, object };
}

function isSelected({ scope, predicate }: WatchRequest, { encoded, parsed }: Decoded): boolean {
  if (!isInScope(encoded.path, scope)) return false;
  return predicate.isEverything || predicate.matches(parsed);
}
