/**
 * LIST straight from the store (K5, K11 to K13): pages over `Kv.list`, all at one revision. A page
 * of the API is cut after `limit` matching items; with a selector the reads grow until it is full.
 */
import { keyAfter } from '../../base/bytes';
import {
  isStoreError,
  type KeyRange,
  type ListOptions,
  type ListResult,
  type Revision,
} from '../../store/index';
import { expired, resourceVersionTooLarge } from '../machinery/status';
import { decodePair, type KvResource } from './kv-resource';
import {
  atNewestRevision,
  continueAfter,
  decodeContinueToken,
  type ContinuePosition,
} from './continue-token';
import { CONTINUE_TOO_OLD, LIST_TOO_OLD, toApiError, translated } from './errors';
import type { Decoded, EncodedObject } from './object-codec';
import { isInScope, pointPath, scopePrefix } from './object-key';
import { NO_REVISION, resourceVersionOf, revisionOf } from './resource-version';
import type { ListRequest, StoredList } from './storage';

/** Pairs per read: filtering pages doubles up to here (K11). */
const PAGE_SIZE_MAX = 10_000;

/** A list as the store is asked for it. */
interface Plan {
  readonly range: KeyRange;
  /** {@link NO_REVISION}: the newest. */
  readonly revision: Revision;
  readonly isSerializable: boolean;
  readonly position: ContinuePosition | undefined;
}

/** Answers a list from the store. */
export async function listFromStore(
  resource: KvResource,
  request: ListRequest,
): Promise<StoredList> {
  const plan = planOf(resource, request);
  try {
    const path = pointPath(request.scope, resource.isNamespaced);
    if (path !== undefined && plan.position === undefined) {
      return await readPoint(resource, request, plan, path);
    }
    return await readPages(resource, request, plan);
  } catch (error) {
    throw await listError(resource, plan, error);
  }
}

function planOf(resource: KvResource, request: ListRequest): Plan {
  const { freshness, scope, continueToken } = request;
  if (continueToken !== undefined) {
    const position = decodeContinueToken(continueToken);
    const start = position.start.startsWith('/') ? position.start.slice(1) : position.start;
    const range = resource.keys.rangeOf(scope, scopePrefix(scope) + start);
    const revision = Math.max(position.revision, NO_REVISION) as Revision;
    return { range, revision, isSerializable: false, position };
  }
  return {
    range: resource.keys.rangeOf(scope),
    revision: freshness.kind === 'exact' ? revisionOf(freshness.resourceVersion) : NO_REVISION,
    isSerializable: freshness.kind === 'any',
    position: undefined,
  };
}

async function readPoint(
  resource: KvResource,
  request: ListRequest,
  plan: Plan,
  path: string,
): Promise<StoredList> {
  const { revision, keyValue } = await resource.kv.get(
    resource.keys.keyOf(path),
    readOptions(request, plan, plan.revision),
  );
  checkNotOlder(request, revision);
  const found = keyValue === undefined ? [] : [decodePair(resource, keyValue)];
  const items = found.filter((item) => matches(request, item)).map(({ encoded }) => encoded);
  resource.metrics?.storeLists.increment([resource.resource.resource]);
  const at = plan.revision === NO_REVISION ? revision : plan.revision;
  const resourceVersion = resourceVersionOf(at);
  return { resourceVersion, items, continueToken: undefined, remainingItemCount: undefined };
}

function readOptions(request: ListRequest, plan: Plan, revision: Revision): ListOptions {
  return {
    ...(revision === NO_REVISION ? {} : { revision }),
    ...(plan.isSerializable ? { serializable: true } : {}),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
}

/** What was read for one page of the API. */
interface PageRead {
  readonly items: EncodedObject[];
  readonly fetched: number;
  /** The revision of all reads. */
  readonly revision: Revision;
  /** All keys from the list's start on, where it was asked for. */
  readonly count: number | undefined;
  readonly hasMore: boolean;
}

async function readPages(
  resource: KvResource,
  request: ListRequest,
  plan: Plan,
): Promise<StoredList> {
  const { limit, predicate } = request;
  const items: EncodedObject[] = [];
  let { revision } = plan;
  let start = plan.range.start;
  let pageSize = limit > 0 ? Math.min(limit, PAGE_SIZE_MAX) : PAGE_SIZE_MAX;
  let count: number | undefined;
  let fetched = 0;
  for (;;) {
    const withCount = fetched === 0 && limit > 0 && predicate.isEverything;
    const options = { ...readOptions(request, plan, revision), limit: pageSize, withCount };
    const page = await resource.kv.list({ start, end: plan.range.end }, options);
    if (fetched === 0) {
      checkNotOlder(request, page.revision);
      count = page.count;
      if (revision === NO_REVISION) revision = page.revision;
    }
    fetched += page.keyValues.length;
    const isCut = takeMatching(resource, request, page, items);
    const last = page.keyValues.at(-1);
    if (isCut || !page.more || last === undefined) {
      const hasMore = isCut || page.more;
      return answer(resource, request, { items, fetched, revision, count, hasMore });
    }
    if (limit > 0 && items.length >= limit) {
      return answer(resource, request, { items, fetched, revision, count, hasMore: true });
    }
    start = keyAfter(last.key);
    if (!predicate.isEverything) pageSize = Math.min(pageSize * 2, PAGE_SIZE_MAX);
  }
}

/** Adds the page's matching items; true if the limit was reached with pairs of the page left. */
function takeMatching(
  resource: KvResource,
  request: ListRequest,
  page: ListResult,
  items: EncodedObject[],
): boolean {
  for (const pair of page.keyValues) {
    if (request.limit > 0 && items.length >= request.limit) return true;
    const item = decodePair(resource, pair);
    if (matches(request, item)) items.push(item.encoded);
  }
  return false;
}

function matches({ scope, predicate }: ListRequest, { encoded, parsed }: Decoded): boolean {
  if (!isInScope(encoded.path, scope)) return false;
  return predicate.isEverything || predicate.matches(parsed);
}

function answer(resource: KvResource, request: ListRequest, read: PageRead): StoredList {
  const { items, fetched, revision, count, hasMore } = read;
  const { metrics, resource: name } = resource;
  const labels = [name.resource];
  metrics?.storeLists.increment(labels);
  metrics?.storeFetched.increment(labels, fetched);
  metrics?.storeEvaluated.increment(labels, fetched);
  metrics?.storeReturned.increment(labels, items.length);
  const last = items.at(-1);
  const isPage = hasMore && last !== undefined && request.limit > 0;
  return {
    resourceVersion: resourceVersionOf(revision),
    items,
    continueToken: isPage
      ? continueAfter(revision, last.path, scopePrefix(request.scope))
      : undefined,
    remainingItemCount:
      isPage && request.predicate.isEverything && count !== undefined
        ? count - items.length
        : undefined,
  };
}

function checkNotOlder(request: ListRequest, current: Revision): void {
  const { freshness } = request;
  if (request.continueToken !== undefined || freshness.kind !== 'notOlderThan') return;
  if (revisionOf(freshness.resourceVersion) <= current) return;
  throw resourceVersionTooLarge(freshness.resourceVersion, resourceVersionOf(current));
}

async function listError(resource: KvResource, plan: Plan, error: unknown): Promise<unknown> {
  if (!isStoreError(error)) return error;
  if (error.code === 'STORE_COMPACTED') {
    const { position } = plan;
    if (position === undefined) return expired(LIST_TOO_OLD);
    return expired(CONTINUE_TOO_OLD, atNewestRevision(position));
  }
  if (error.code === 'STORE_FUTURE_REVISION') {
    const current = await translated(resource.kv.currentRevision());
    return resourceVersionTooLarge(String(plan.revision), resourceVersionOf(current));
  }
  return toApiError(error);
}
