/** Pages of a list out of the watch cache: the same pages and tokens as the store's (K11, K12). */
import type { Revision } from '../../store/index';
import {
  continueAfter,
  isInScope,
  pointPath,
  resourceVersionOf,
  scopePrefix,
  type ContinuePosition,
  type ListRequest,
  type StoredList,
} from '../storage/index';
import type { CacheEntry } from './cache-entry';
import type { PastView } from './past-view';

/** What a list is cut from. */
export interface ListSource {
  readonly request: ListRequest;
  /** The revision of the state the entries are of. */
  readonly revision: Revision;
  /** 0 for no limit; not the request's where the limit is ignored (K5). */
  readonly limit: number;
  /** The selected objects from the page's start on, in key order: all, or `limit` at least. */
  readonly entries: readonly CacheEntry[];
  readonly isNamespaced: boolean;
  /** How many objects of the scope, selected or not, follow a path. */
  countAfter(path: string): number;
}

/** The first path a page may hold; undefined for a first page. */
export function startPathOf(
  request: ListRequest,
  position: ContinuePosition | undefined,
): string | undefined {
  if (position === undefined) return undefined;
  const start = position.start.startsWith('/') ? position.start.slice(1) : position.start;
  return scopePrefix(request.scope) + start;
}

/** Cuts one page. */
export function pageOf(source: ListSource): StoredList {
  const { request, revision, limit, entries } = source;
  const taken = limit === 0 ? entries : entries.slice(0, limit);
  const last = taken.at(-1);
  const isPoint = pointPath(request.scope, source.isNamespaced) !== undefined;
  const isFull = limit > 0 && taken.length === limit && !isPoint && last !== undefined;
  const remaining = isFull ? source.countAfter(last.path) : 0;
  const prefix = scopePrefix(request.scope);
  return {
    resourceVersion: resourceVersionOf(revision),
    items: taken.map(({ object }) => object),
    continueToken: isFull && remaining > 0 ? continueAfter(revision, last.path, prefix) : undefined,
    remainingItemCount: remaining > 0 && request.predicate.isEverything ? remaining : undefined,
  };
}

/** The selected part of a past state; stops when it has a page. */
export function selectPast(
  past: PastView,
  request: ListRequest,
  startPath: string | undefined,
): { readonly entries: readonly CacheEntry[]; readonly fetched: number } {
  const { scope, predicate, limit } = request;
  const entries: CacheEntry[] = [];
  let fetched = 0;
  for (const entry of past.entries(startPath)) {
    fetched += 1;
    if (!isInScope(entry.path, scope)) continue;
    if (!predicate.isEverything && !predicate.matchesAttributes(entry)) continue;
    if (entries.push(entry) === limit) break;
  }
  return { entries, fetched };
}
