/** Pages of a list out of the watch cache: the same pages and tokens as the store's (K11, K12). */
import type { Revision } from '../../store/index';
import {
  comparePaths,
  continueAfter,
  pointPath,
  resourceVersionOf,
  scopePrefix,
  type ContinuePosition,
  type ListRequest,
  type StoredList,
} from '../storage/index';
import type { CacheEntry } from './cache-entry';

/** What a list is cut from. */
export interface ListSource {
  readonly request: ListRequest;
  /** The revision of the state the entries are of. */
  readonly revision: Revision;
  /** 0 for no limit; not the request's where the limit is ignored (K5). */
  readonly limit: number;
  /** The selected objects from the page's start on, in key order. */
  readonly entries: readonly CacheEntry[];
  readonly isNamespaced: boolean;
  /** Whether any object of the scope, selected or not, follows a path. */
  hasAfter(path: string): boolean;
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
  const isWhole = limit === 0 || entries.length < limit;
  const taken = isWhole ? entries : entries.slice(0, limit);
  const last = taken.at(-1);
  const isPoint = pointPath(request.scope, source.isNamespaced) !== undefined;
  const hasMore =
    !isWhole &&
    !isPoint &&
    last !== undefined &&
    (entries.length > limit || source.hasAfter(last.path));
  const remaining = entries.length - taken.length;
  return {
    resourceVersion: resourceVersionOf(revision),
    items: taken.map(({ object }) => object),
    continueToken: hasMore
      ? continueAfter(revision, last.path, scopePrefix(request.scope))
      : undefined,
    remainingItemCount: hasMore && request.predicate.isEverything ? remaining : undefined,
  };
}

/** The selected part of a whole past state, from a start path on. */
export function selectPast(
  past: readonly CacheEntry[],
  request: ListRequest,
  startPath: string | undefined,
): CacheEntry[] {
  return past.filter(
    (entry) =>
      (startPath === undefined || comparePaths(entry.path, startPath) >= 0) &&
      (request.predicate.isEverything || request.predicate.matchesAttributes(entry)),
  );
}
