/**
 * Who answers a read: the tables of K5 and K21 as pure functions, one row a line. The cache answers
 * whenever it can know enough; the store answers linearizable point reads, revisions older than
 * the cache's history, and what cannot wait for a cache that is not ready.
 */
import type { Freshness, ListRequest } from '../storage/index';

/** How a list is answered. */
export type ListDecision =
  /** From the cache as it is; the limit is ignored. */
  | { readonly kind: 'cacheAny' }
  /** From the cache, once it holds the present revision of the store (K7). */
  | { readonly kind: 'cacheConsistent' }
  /** From the cache, once it has reached N (K8). */
  | { readonly kind: 'cacheNotOlderThan'; readonly resourceVersion: string }
  /** The state at exactly N, from the cache if its history reaches back (K22). */
  | { readonly kind: 'cacheExact'; readonly resourceVersion: string }
  | { readonly kind: 'store' }
  /** 429: the cache is not ready (K21). */
  | { readonly kind: 'refuse' };

/** The facts of a list that decide. `continueRevision`: -1 is the newest (K12). */
export interface ListFacts {
  readonly freshness: Freshness;
  readonly hasLimit: boolean;
  readonly hasSelector: boolean;
  /** Narrowed to one name. */
  readonly isPoint: boolean;
  readonly continueRevision: number | undefined;
  readonly isReady: boolean;
}

/** The facts of a request. */
export function listFacts(
  request: ListRequest,
  known: { readonly continueRevision: number | undefined; readonly isReady: boolean },
): ListFacts {
  return {
    freshness: request.freshness,
    hasLimit: request.limit > 0,
    hasSelector: !request.predicate.isEverything,
    isPoint: request.scope.name !== undefined || request.predicate.name !== undefined,
    ...known,
  };
}

/** K5's LIST rows and K21. */
export function decideList(facts: ListFacts): ListDecision {
  const { freshness, isReady, isPoint, continueRevision } = facts;
  if (!isReady) {
    const isBounded = isPoint || (facts.hasLimit && !facts.hasSelector);
    return isBounded ? { kind: 'store' } : { kind: 'refuse' };
  }
  if (continueRevision !== undefined) {
    if (continueRevision < 0) return { kind: 'cacheConsistent' };
    return { kind: 'cacheExact', resourceVersion: String(continueRevision) };
  }
  switch (freshness.kind) {
    case 'consistent':
      return { kind: 'cacheConsistent' };
    case 'any':
      return { kind: 'cacheAny' };
    case 'notOlderThan':
      return { kind: 'cacheNotOlderThan', resourceVersion: freshness.resourceVersion };
    case 'exact':
      if (isPoint) return { kind: 'store' };
      return { kind: 'cacheExact', resourceVersion: freshness.resourceVersion };
  }
}

/** K5's GET row and K21: undefined is the store. */
export function decideGet(
  freshness: Freshness,
  isReady: boolean,
): 'store' | 'cacheAny' | 'cacheNotOlderThan' {
  if (!isReady || freshness.kind === 'consistent' || freshness.kind === 'exact') return 'store';
  return freshness.kind === 'any' ? 'cacheAny' : 'cacheNotOlderThan';
}
