/**
 * Changes to the watchers that may see them (K19, K20, K23). Each watcher stands under its most
 * selective term: a name, an indexed field, a label, a namespace, or everything. A change looks
 * only under the terms of the object before and after it, so ten thousand watchers of one node's
 * pods each cost nothing to the changes of another node's.
 */
import { namespaceOfPath, pointPath, scopePrefix, type SelectableField } from '../storage/index';
import type { CacheEntry } from './cache-entry';
import type { CacheWatcher } from './cache-watcher';
import type { ChangeEvent } from './change-event';
import { ValueIndex } from './value-index';

/** Where a watcher is registered: under each of `values` of a key of one index. */
interface Place {
  readonly index: ValueIndex<CacheWatcher>;
  readonly key: string;
  readonly values: readonly string[];
}

const PATH = 'path';
const NAMESPACE = 'namespace';

/** All watchers of one resource. */
export class Dispatcher {
  readonly #isNamespaced: boolean;
  readonly #indexedFields: readonly string[];
  readonly #everything = new Set<CacheWatcher>();
  /** By path and by namespace. */
  readonly #byScope = new ValueIndex<CacheWatcher>();
  readonly #byLabel = new ValueIndex<CacheWatcher>();
  readonly #byField = new ValueIndex<CacheWatcher>();
  readonly #all = new Set<CacheWatcher>();
  #dispatches = 0;

  constructor(options: {
    readonly isNamespaced: boolean;
    readonly selectable: readonly SelectableField[];
  }) {
    this.#isNamespaced = options.isNamespaced;
    this.#indexedFields = options.selectable
      .filter(({ isIndexed }) => isIndexed)
      .map(({ name }) => name);
  }

  get size(): number {
    return this.#all.size;
  }

  watchers(): readonly CacheWatcher[] {
    return [...this.#all];
  }

  add(watcher: CacheWatcher): void {
    this.#all.add(watcher);
    const place = this.#placeOf(watcher);
    if (place === undefined) this.#everything.add(watcher);
    for (const value of place?.values ?? []) place?.index.add(place.key, value, watcher);
  }

  remove(watcher: CacheWatcher): void {
    if (!this.#all.delete(watcher)) return;
    const place = this.#placeOf(watcher);
    if (place === undefined) this.#everything.delete(watcher);
    for (const value of place?.values ?? []) place?.index.remove(place.key, value, watcher);
  }

  /** Offers each change to the watchers that may see it; returns how often one did. */
  dispatch(changes: readonly ChangeEvent[]): number {
    let delivered = 0;
    for (const change of changes) {
      this.#dispatches += 1;
      for (const watcher of this.#candidates(change)) {
        if (watcher.lastDispatch === this.#dispatches) continue;
        watcher.lastDispatch = this.#dispatches;
        if (watcher.offer(change)) delivered += 1;
      }
    }
    return delivered;
  }

  *#candidates(change: ChangeEvent): IterableIterator<CacheWatcher> {
    yield* this.#everything;
    if (this.#byScope.hasKey(PATH)) yield* this.#byScope.members(PATH, [change.path]);
    if (this.#byScope.hasKey(NAMESPACE)) {
      yield* this.#byScope.members(NAMESPACE, [namespaceOfPath(change.path)]);
    }
    if (change.previous !== undefined) yield* this.#byAttributes(change.previous);
    if (change.current !== undefined) yield* this.#byAttributes(change.current);
  }

  *#byAttributes(entry: CacheEntry): IterableIterator<CacheWatcher> {
    for (const [key, value] of Object.entries(entry.labels)) {
      if (this.#byLabel.hasKey(key)) yield* this.#byLabel.members(key, [value]);
    }
    for (const field of this.#indexedFields) {
      if (!this.#byField.hasKey(field)) continue;
      yield* this.#byField.members(field, [entry.get(field) ?? '']);
    }
  }

  /** Undefined: no term of the selection has an index. */
  #placeOf({ request: { scope, predicate } }: CacheWatcher): Place | undefined {
    const name = scope.name ?? predicate.name;
    const path = name === undefined ? undefined : pointPath({ ...scope, name }, this.#isNamespaced);
    if (path !== undefined) return { index: this.#byScope, key: PATH, values: [path] };
    for (const { field, operator, value } of predicate.fields) {
      if (operator === 'equal' && this.#indexedFields.includes(field)) {
        return { index: this.#byField, key: field, values: [value] };
      }
    }
    for (const { key, operator, values } of predicate.labels) {
      if (operator === 'in') return { index: this.#byLabel, key, values };
    }
    const prefix = scopePrefix(scope);
    if (prefix === '') return undefined;
    return { index: this.#byScope, key: NAMESPACE, values: [prefix.slice(0, -1)] };
  }
}
