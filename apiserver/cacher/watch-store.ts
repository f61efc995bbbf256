/**
 * The present objects of a resource, in key order, with the indexes of K23: by label, by the
 * resource's indexed fields, by namespace. A selection is answered by its most selective term; the
 * index changes what a list costs, never what it returns.
 *
 * Negative terms (`!a`, `a!=b`) select nearly everything, so no index makes them cheaper than a
 * walk over the labels kept beside the objects, except when the index shows that nothing is left.
 */
import { OrderedMap } from '../../base/ordered-map';
import {
  comparePaths,
  isInScope,
  namespaceOfPath,
  pointPath,
  scopePrefix,
  type LabelRequirement,
  type SelectableField,
  type SelectionPredicate,
} from '../storage/index';
import type { Scope } from '../storage/index';
import type { CacheEntry } from './cache-entry';
import { ValueIndex } from './value-index';

/** What indexes hold. It stays while its object changes, so most changes touch no index. */
interface Slot {
  entry: CacheEntry;
}

/** What a selection found, in key order, and what it cost. */
export interface Found {
  readonly entries: readonly CacheEntry[];
  /** Which index was used; empty for a walk over the whole resource. */
  readonly index: '' | 'point' | 'label' | 'field' | 'namespace';
  /** How many objects were looked at. */
  readonly fetched: number;
}

/** A way to find candidates, and how many it would bring. */
interface Route {
  readonly index: 'label' | 'field';
  readonly estimate: number;
  slots(): Iterable<Slot>;
}

/** Sorting candidates costs about as much as walking over this many objects each. */
const SORT_FACTOR = 4;

/** The objects of one resource. */
export class WatchStore {
  readonly #isNamespaced: boolean;
  readonly #indexedFields: readonly SelectableField[];
  readonly #slots = new OrderedMap<string, Slot>(comparePaths);
  readonly #labels = new ValueIndex<Slot>();
  readonly #fields = new ValueIndex<Slot>();
  readonly #namespaces = new Map<string, number>();

  constructor(options: {
    readonly isNamespaced: boolean;
    readonly selectable: readonly SelectableField[];
  }) {
    this.#isNamespaced = options.isNamespaced;
    this.#indexedFields = options.selectable.filter(({ isIndexed }) => isIndexed);
  }

  get size(): number {
    return this.#slots.size;
  }

  get(path: string): CacheEntry | undefined {
    return this.#slots.get(path)?.entry;
  }

  /** Puts an object; returns the one before. */
  set(entry: CacheEntry): CacheEntry | undefined {
    const slot = this.#slots.get(entry.path);
    if (slot === undefined) {
      const added = { entry };
      this.#slots.set(entry.path, added);
      this.#index(added, undefined, entry);
      this.#countNamespace(entry.path, 1);
      return undefined;
    }
    const previous = slot.entry;
    slot.entry = entry;
    this.#index(slot, previous, entry);
    return previous;
  }

  /** Removes an object; returns it. */
  delete(path: string): CacheEntry | undefined {
    const slot = this.#slots.delete(path);
    if (slot === undefined) return undefined;
    this.#index(slot, slot.entry, undefined);
    this.#countNamespace(path, -1);
    return slot.entry;
  }

  clear(): void {
    this.#slots.clear();
    this.#labels.clear();
    this.#fields.clear();
    this.#namespaces.clear();
  }

  /** Objects of a scope, whatever the selection. */
  count({ namespace }: Scope): number {
    if (namespace === undefined || namespace === '') return this.size;
    return this.#namespaces.get(namespace) ?? 0;
  }

  /**
   * The objects of a selection in key order, from `startPath` on if one is given; `limit` (0: all)
   * lets a walk end early, and may be exceeded.
   */
  select(scope: Scope, predicate: SelectionPredicate, startPath?: string, limit = 0): Found {
    const byPath = this.#byPath(scope, predicate);
    if (byPath !== undefined) {
      const from = startPath;
      const after = (path: string): boolean => from === undefined || comparePaths(path, from) >= 0;
      const entries = byPath.filter(
        (entry) => predicate.matchesAttributes(entry) && after(entry.path),
      );
      return { entries, index: 'point', fetched: byPath.length };
    }
    const namespace = scopePrefix(scope) === '' ? namespaceField(predicate) : scope.namespace;
    const narrowed = { ...scope, namespace };
    const walked = this.count(narrowed);
    const route = this.#bestRoute(predicate);
    if (walked === 0 || this.#selectsNothing(predicate)) {
      return { entries: [], index: route?.index ?? '', fetched: 0 };
    }
    if (route !== undefined && route.estimate * SORT_FACTOR < walked) {
      return this.#gather(route, narrowed, predicate, startPath);
    }
    return this.#walk(narrowed, predicate, startPath, limit);
  }

  /** All objects of a scope's namespace in key order. */
  *entries(scope: Scope, startPath?: string): IterableIterator<CacheEntry> {
    const { from, to } = rangeOf(scope);
    for (const [, slot] of this.#slots.entries({ from: startPath ?? from, to })) yield slot.entry;
  }

  /** How many objects of a scope's namespace follow a path, without walking over them. */
  countAfter(scope: Scope, path: string): number {
    return this.#slots.count(`${path}\0`, rangeOf(scope).to);
  }

  /** The entries that a name leaves: one, or one per namespace; undefined without a name. */
  #byPath(scope: Scope, predicate: SelectionPredicate): CacheEntry[] | undefined {
    const name = scope.name ?? predicate.name;
    if (name === undefined) return undefined;
    const path = pointPath({ ...scope, name }, this.#isNamespaced);
    const paths = path === undefined ? this.#pathsNamed(name) : [path];
    return paths.map((each) => this.get(each)).filter((entry) => entry !== undefined);
  }

  #pathsNamed(name: string): string[] {
    return [...this.#namespaces.keys()]
      .map((namespace) => `${namespace}/${name}`)
      .sort(comparePaths);
  }

  #walk(
    scope: Scope,
    predicate: SelectionPredicate,
    startPath: string | undefined,
    limit: number,
  ): Found {
    const entries: CacheEntry[] = [];
    let fetched = 0;
    for (const entry of this.entries(scope, startPath)) {
      fetched += 1;
      if (!predicate.isEverything && !predicate.matchesAttributes(entry)) continue;
      if (entries.push(entry) === limit) break;
    }
    return { entries, index: scopePrefix(scope) === '' ? '' : 'namespace', fetched };
  }

  #gather(
    route: Route,
    scope: Scope,
    predicate: SelectionPredicate,
    startPath: string | undefined,
  ): Found {
    const entries: CacheEntry[] = [];
    let fetched = 0;
    for (const { entry } of route.slots()) {
      fetched += 1;
      if (!isInScope(entry.path, scope) || !predicate.matchesAttributes(entry)) continue;
      if (startPath === undefined || comparePaths(entry.path, startPath) >= 0) entries.push(entry);
    }
    entries.sort((a, b) => comparePaths(a.path, b.path));
    return { entries, index: route.index, fetched };
  }

  #bestRoute(predicate: SelectionPredicate): Route | undefined {
    let best: Route | undefined;
    const consider = (route: Route | undefined): void => {
      if (route !== undefined && (best === undefined || route.estimate < best.estimate)) {
        best = route;
      }
    };
    for (const requirement of predicate.labels) consider(this.#labelRoute(requirement));
    for (const { field, operator, value } of predicate.fields) {
      if (operator !== 'equal' || !this.#indexedFields.some(({ name }) => name === field)) continue;
      consider({
        index: 'field',
        estimate: this.#fields.count(field, [value]),
        slots: () => this.#fields.members(field, [value]),
      });
    }
    return best;
  }

  #labelRoute({ key, operator, values }: LabelRequirement): Route | undefined {
    switch (operator) {
      case 'in':
        return {
          index: 'label',
          estimate: this.#labels.count(key, values),
          slots: () => this.#labels.members(key, values),
        };
      case 'exists':
      case 'greaterThan':
      case 'lessThan':
        return {
          index: 'label',
          estimate: this.#labels.countKey(key),
          slots: () => this.#labels.members(key),
        };
      case 'notIn':
      case 'doesNotExist':
        return undefined;
    }
  }

  /** Whether the index alone shows that a negative term leaves nothing. */
  #selectsNothing(predicate: SelectionPredicate): boolean {
    return predicate.labels.some(({ key, operator, values }) => {
      if (operator === 'doesNotExist') return this.#labels.countKey(key) === this.size;
      return operator === 'notIn' && this.#labels.count(key, values) === this.size;
    });
  }

  #index(slot: Slot, previous: CacheEntry | undefined, entry: CacheEntry | undefined): void {
    const before = previous?.labels ?? {};
    const now = entry?.labels ?? {};
    for (const [key, value] of Object.entries(before)) {
      if (now[key] !== value) this.#labels.remove(key, value, slot);
    }
    for (const [key, value] of Object.entries(now)) {
      if (before[key] !== value) this.#labels.add(key, value, slot);
    }
    for (const { name } of this.#indexedFields) {
      const from = previous?.get(name);
      const to = entry?.get(name);
      if (from === to) continue;
      if (from !== undefined) this.#fields.remove(name, from, slot);
      if (to !== undefined) this.#fields.add(name, to, slot);
    }
  }

  #countNamespace(path: string, by: number): void {
    const namespace = namespaceOfPath(path);
    const count = (this.#namespaces.get(namespace) ?? 0) + by;
    if (count === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, count);
  }
}

/** The paths of a namespace: what follows `ns/` and is below `ns0`, the next after the slash. */
function rangeOf(scope: Scope): { readonly from?: string; readonly to?: string } {
  const prefix = scopePrefix(scope);
  return prefix === '' ? {} : { from: prefix, to: `${prefix.slice(0, -1)}0` };
}

/** `metadata.namespace=x` is a range like the namespace of the path (K23). */
function namespaceField(predicate: SelectionPredicate): string | undefined {
  const found = predicate.fields.find(
    ({ field, operator }) => field === 'metadata.namespace' && operator === 'equal',
  );
  return found?.value;
}
