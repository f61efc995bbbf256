/**
 * The objects of a scope as they were at a past revision (K22): the present ones with the changes
 * since undone, merged on the fly in key order. A page of it costs the page and the number of
 * changes to undo, not a copy of the resource.
 */
import { comparePaths, isInScope, type Scope } from '../storage/index';
import type { CacheEntry } from './cache-entry';

/** What the past is seen through. */
export interface PresentObjects {
  get(path: string): CacheEntry | undefined;
  entries(scope: Scope, startPath?: string): Iterable<CacheEntry>;
  /** Objects of a scope behind a path. */
  countAfter(scope: Scope, path: string): number;
}

/** One past state of one scope. Valid until the present changes. */
export class PastView {
  readonly #present: PresentObjects;
  readonly #scope: Scope;
  /** What was different: the entry then, or undefined where there was none. */
  readonly #then: ReadonlyMap<string, CacheEntry | undefined>;

  constructor(
    present: PresentObjects,
    scope: Scope,
    then: ReadonlyMap<string, CacheEntry | undefined>,
  ) {
    this.#present = present;
    this.#scope = scope;
    this.#then = then;
  }

  /** The objects in key order, from `startPath` on if one is given. */
  *entries(startPath?: string): IterableIterator<CacheEntry> {
    const restored = [...this.#then.values()]
      .filter((entry) => entry !== undefined)
      .filter(({ path }) => isInScope(path, this.#scope))
      .filter(({ path }) => startPath === undefined || comparePaths(path, startPath) >= 0)
      .sort((a, b) => comparePaths(a.path, b.path));
    let next = 0;
    for (const entry of this.#present.entries(this.#scope, startPath)) {
      if (this.#then.has(entry.path)) continue;
      for (let other = restored[next]; other !== undefined; other = restored[next]) {
        if (comparePaths(other.path, entry.path) > 0) break;
        yield other;
        next += 1;
      }
      yield entry;
    }
    yield* restored.slice(next);
  }

  /** How many objects follow a path. */
  countAfter(path: string): number {
    let count = this.#present.countAfter(this.#scope, path);
    for (const [changed, entry] of this.#then) {
      if (comparePaths(changed, path) <= 0 || !isInScope(changed, this.#scope)) continue;
      if (entry !== undefined) count += 1;
      if (this.#present.get(changed) !== undefined) count -= 1;
    }
    return count;
  }
}
